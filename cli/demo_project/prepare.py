"""Splits scikit-learn's handwritten digits into a training and a test set."""

import os

import numpy
import yaml
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

with open("params.yaml") as file:
    split = yaml.safe_load(file)["split"]
images, labels = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images, labels, test_size=split["test_size"], random_state=split["seed"], stratify=labels
)
os.makedirs("data", exist_ok=True)
numpy.savez("data/train.npz", x=x_train, y=y_train)
numpy.savez("data/test.npz", x=x_test, y=y_test)
print(f"{len(y_train)} digits to train on, {len(y_test)} to test with")
