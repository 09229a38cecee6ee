"""One position of several: where an answer begins, and where it ends."""

DECLARES = {
    "place": 4,
    "label": "texts",
    "per": ("token",),
    "classes": ("start", "end"),
    "points": True,
    "metrics": ("overlap_f1", "exact_match", "answer_f1"),
    "targets": ("overlap_f1",),
    "settings": (),
    "refused": {
        "classes": "a pointer head is per token; leave its classes and `per` out",
        "per": "a pointer head is per token; leave its classes and `per` out",
    },
}
