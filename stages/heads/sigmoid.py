"""Any number of classes, each of them or not."""

DECLARES = {
    "place": 2,
    "label": "texts",
    "metrics": ("f1_micro", "accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "targets": ("f1_micro", "accuracy", "precision_macro", "recall_macro", "f1_macro", "auc"),
    "settings": ("probabilities",),
    "refused": {"per": "a sigmoid head is per example"},
}
