"""One class of several: of an example, or of each of its positions."""

DECLARES = {
    "place": 1,
    "label": "text",
    "per": ("example", "token", "frame", "pixel"),
    "fewest": 2,
    "metrics": ("accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "settings": (
        "combined_probabilities",
        "example_weight",
        "label_smoothing",
        "min_confidence",
        "one_number",
        "out_of_scope",
        "probabilities",
        "standardize_logits",
        "top_k",
    ),
    "refused": {
        "classes": "a softmax head has two classes or more; one alone is for sigmoid",
    },
}
