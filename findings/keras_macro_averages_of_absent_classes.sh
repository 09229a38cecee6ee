#!/usr/bin/env bash
# keras 3.15.1: macro averages count a class that never occurs as 0, mean IoU leaves it out.
#
#   valid input  12 rows of classes a and b, every one predicted right; class c is declared, and no
#                row has it: a split by date, or a small test split, often looks so
#   seen         F1Score(average="macro") 0.667 and AUC(multi_label=True) 0.667, where
#                F1Score(average="weighted") and MeanIoU say 1.0; scikit-learn 1.7.2's macro F1 is 1.0
#   matters      whoever keeps the epoch, or lets a teacher pass, by this figure is told that a
#                perfect model has one third of its classes wrong
#
# Exits 0 while the figures are these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  keras==3.15.1 jax==0.7.2 jaxlib==0.7.2 numpy==2.3.5 scikit-learn==1.7.2
KERAS_BACKEND=jax PYTHONWARNINGS=ignore "$folder/venv/bin/python" - <<'PY'
import keras
import numpy as np
import sklearn
from sklearn.metrics import f1_score

truth = np.array([0, 1] * 6)
predicted = np.eye(3, dtype="float32")[truth]


def measured(metric, labels, answers):
    metric.update_state(labels, answers)
    return round(float(metric.result()), 3)


found = {
    "F1Score(macro)": measured(keras.metrics.F1Score(average="macro"), predicted, predicted),
    "F1Score(weighted)": measured(keras.metrics.F1Score(average="weighted"), predicted, predicted),
    "AUC(multi_label)": measured(
        keras.metrics.AUC(multi_label=True, num_labels=3), predicted, predicted
    ),
    "MeanIoU": measured(keras.metrics.MeanIoU(num_classes=3), truth, truth),
    "scikit-learn macro F1": round(f1_score(truth, truth, average="macro"), 3),
}
print(f"keras {keras.__version__}, scikit-learn {sklearn.__version__}")
for name, figure in found.items():
    print(f"{name:24}{figure}")
expected = {
    "F1Score(macro)": 0.667,
    "F1Score(weighted)": 1.0,
    "AUC(multi_label)": 0.667,
    "MeanIoU": 1.0,
    "scikit-learn macro F1": 1.0,
}
if found != expected:
    raise SystemExit(f"changed: expected {expected}")
PY
