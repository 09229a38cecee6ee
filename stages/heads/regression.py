"""A number, kept in the table as it is."""

DECLARES = {
    "place": 3,
    "label": "number",
    "most": 1,
    "named": True,
    "precision": "float32",
    "metrics": ("r2", "pearson"),
    "settings": (),
    "refused": {
        "classes": "a regression head is one number; leave its classes out",
        "per": "a regression head is per example",
    },
}
