"""Trains a random forest on the training set."""

import joblib
import numpy
import yaml
from sklearn.ensemble import RandomForestClassifier

with open("params.yaml") as file:
    forest = yaml.safe_load(file)["forest"]
train = numpy.load("data/train.npz")
model = RandomForestClassifier(n_estimators=forest["n_estimators"], max_depth=forest["max_depth"], random_state=0)
model.fit(train["x"], train["y"])
joblib.dump(model, "model.joblib")
print(f"{len(model.estimators_)} trees, the deepest has depth {max(tree.get_depth() for tree in model.estimators_)}")
