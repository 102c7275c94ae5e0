"""Measures the forest on the test set."""

import json

import joblib
import numpy
from sklearn.metrics import accuracy_score, f1_score

test = numpy.load("data/test.npz")
guessed = joblib.load("model.joblib").predict(test["x"])
metrics = {
    "accuracy": round(float(accuracy_score(test["y"], guessed)), 6),
    "f1": round(float(f1_score(test["y"], guessed, average="macro")), 6),
}
with open("metrics.json", "w") as file:
    json.dump(metrics, file, indent=2)
    file.write("\n")
print(f"accuracy {metrics['accuracy']}")
