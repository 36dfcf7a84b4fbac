#!/usr/bin/env python3
"""What scikit-learn reaches on the features of the default model (clean recordings, the corpus's own folds, training speakers'
statistics, clipped to four standard deviations), for tests/learners.rs. Needs numpy and scikit-learn; writes JSON to standard output."""
import csv
import json
import sys

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

folder = sys.argv[1] if len(sys.argv) > 1 else "models"
x = np.load(f"{folder}/affect-default.features.npy").astype(float)
rows = list(csv.DictReader(open(f"{folder}/affect-default.rows.csv")))
clean = [i for i, r in enumerate(rows) if r["condition"] == "clean"]
x, y = x[clean], np.array([rows[i]["label"] for i in clean])
fold = np.array([int(rows[i]["fold"]) for i in clean])
width = x.shape[1]


def one_against_rest(**how):
    return OneVsRestClassifier(SVC(class_weight="balanced", **how))


learners = {
    "logistic": lambda: LogisticRegression(C=0.02, class_weight="balanced", max_iter=5000),
    "sparse": lambda: LogisticRegression(C=0.05, penalty="l1", solver="saga", class_weight="balanced", max_iter=3000),
    "linear-svm": lambda: one_against_rest(C=0.003, kernel="linear"),
    "kernel-svm": lambda: one_against_rest(C=1.0, kernel="rbf", gamma=0.5 / width),
    "forest": lambda: RandomForestClassifier(100, max_depth=8, min_samples_leaf=2, class_weight="balanced"),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=60, max_depth=3, learning_rate=0.15, max_features="sqrt"),
    "perceptron": lambda: MLPClassifier((32,), alpha=10, max_iter=300),
}
DRAWN = ("forest", "boosting", "perceptron")
out = {}
for name, make in learners.items():
    # What is drawn at random is the mean over five draws.
    recalls = []
    for seed in range(1, 6 if name in DRAWN else 2):
        answers = np.empty(len(y), dtype=object)
        for k in np.unique(fold):
            inside = fold != k
            mean, spread = np.nanmean(x[inside], 0), np.nanstd(x[inside], 0)
            z = np.clip((x - mean) / np.where(spread > 0, spread, 1), -4, 4)
            z[~np.isfinite(z)] = 0
            model = make().set_params(random_state=seed) if name in DRAWN else make()
            answers[~inside] = model.fit(z[inside], y[inside]).predict(z[~inside])
        recalls.append(recall_score(y, answers, average="macro"))
    out[name] = round(float(np.mean(recalls)), 4)
    print(name, out[name], file=sys.stderr)
print(json.dumps({"what": "UAR, EmoDB clean, folds by speaker, scikit-learn", "uar": out}, indent=1))
