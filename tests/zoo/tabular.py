#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tabular models as scikit-learn, LightGBM and XGBoost export them: converted, run, and compared with ONNX Runtime.

usage: tabular.py LITHE [NAME...]    LITHE is the command; names choose models whose names contain one of them
needs: pip install numpy onnxruntime scikit-learn skl2onnx lightgbm xgboost onnxmltools

Prints a line for each model: the largest error of its outputs relative to their largest number, or why it has none. Class labels
that are texts are lines of the metadata `labels` in lithe. What an exporter refuses is printed and does not count. Exit code 1: a
model was refused by lithe or is off by more than 1e-5. It takes minutes, and is no part of the test suite.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn import datasets, decomposition, ensemble, gaussian_process, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures,
    RobustScaler, StandardScaler,
)



def plain_integers(make_attribute):
    """onnx.helper.make_attribute, with NumPy's integers too: skl2onnx 1.20 gives it such, and onnx refuses them."""

    def make(key, value, *rest, **named):
        if isinstance(value, (list, np.ndarray)) and len(value) and isinstance(value[0], np.integer):
            value = [int(v) for v in value]
        return make_attribute(key, value, *rest, **named)

    return make


onnx.helper.make_attribute = plain_integers(onnx.helper.make_attribute)
TOLERANCE = 1e-5
ROWS = (1, 7, 64)
OPSET = {"": 18, "ai.onnx.ml": 3}
TWO, THREE, TEN, NUMBERS = datasets.load_breast_cancer, datasets.load_wine, datasets.load_digits, datasets.load_diabetes


def labels_of(inspected):
    """The metadata `labels` in what `lithe inspect --json` printed."""
    return json.loads(inspected).get("metadata", {}).get("labels", "").split("\n")


def data(load, texts=False, holes=False):
    x, y = load(return_X_y=True)
    x = x.astype(np.float32)
    if holes:
        x[np.random.default_rng(0).random(x.shape) < 0.1] = np.nan
    return x, np.array([f"class {v}" for v in y]) if texts else y


def columns(rows=400):
    """Two real columns and two of categories."""
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=(rows, 2)), rng.integers(0, 5, (rows, 1)), rng.integers(10, 14, (rows, 1))])
    x = x.astype(np.float32)
    return x, (x[:, 0] + (x[:, 2] == 3) - (x[:, 3] == 11) > 0).astype(int)


def exported(model, x, y, **options):
    """A model of scikit-learn, by skl2onnx; `options` are its own."""
    model.fit(x, y)
    kind = [("x", FloatTensorType([None, x.shape[1]]))]
    return to_onnx(model, initial_types=kind, options={id(model): options} if options else None, target_opset=OPSET), x


def boosted(convert, model, x, y):
    """A model of LightGBM or XGBoost, by onnxmltools."""
    model.fit(x, y)
    return convert(model, initial_types=[("x", ToolsFloat([None, x.shape[1]]))]), x


def skl(model, load, texts=False, holes=False, **options):
    return lambda: exported(model, *data(load, texts, holes), **options)


def light(model, load, **kind):
    return lambda: boosted(convert_lightgbm, model(n_estimators=100, verbose=-1, n_jobs=1), *data(load, **kind))


def extreme(model, load, **kind):
    return lambda: boosted(convert_xgboost, model(n_estimators=100, n_jobs=1), *data(load, **kind))


def by_column(last, **options):
    steps = ColumnTransformer([("numbers", StandardScaler(), [0, 1]), ("kinds", OneHotEncoder(handle_unknown="ignore"), [2, 3])])
    return lambda: exported(make_pipeline(steps, last), *columns(), **options)


def integers():
    """Integer features."""
    x, y = TEN(return_X_y=True)
    model = ensemble.RandomForestClassifier(20, random_state=0).fit(x, y)
    return to_onnx(model, initial_types=[("x", Int64TensorType([None, x.shape[1]]))], target_opset=OPSET), x.astype(np.int64)


def scaled(last, load=TWO, scaler=None, **kind):
    return skl(make_pipeline(scaler or StandardScaler(), last), load, **kind)


MODELS = {
    "logistic": scaled(linear_model.LogisticRegression()),
    "logistic_texts": scaled(linear_model.LogisticRegression(), THREE, texts=True),
    "logistic_minmax": scaled(linear_model.LogisticRegression(), THREE, MinMaxScaler()),
    "logistic_robust": scaled(linear_model.LogisticRegression(), THREE, RobustScaler()),
    "logistic_maxabs": scaled(linear_model.LogisticRegression(), THREE, MaxAbsScaler()),
    "logistic_l1": scaled(linear_model.LogisticRegression(), TEN, Normalizer("l1")),
    "logistic_l2": scaled(linear_model.LogisticRegression(), TEN, Normalizer("l2")),
    "logistic_max": scaled(linear_model.LogisticRegression(), TEN, Normalizer("max")),
    "logistic_binarizer": scaled(linear_model.LogisticRegression(), TEN, Binarizer(threshold=8)),
    "logistic_kbins": scaled(linear_model.LogisticRegression(), THREE, KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")),
    "logistic_polynomial": scaled(make_pipeline(PolynomialFeatures(2), linear_model.LogisticRegression()), THREE),
    "logistic_selected": scaled(make_pipeline(SelectKBest(k=5), linear_model.LogisticRegression()), THREE),
    "logistic_pca": scaled(make_pipeline(decomposition.PCA(8), linear_model.LogisticRegression()), TWO),
    "logistic_imputer": scaled(linear_model.LogisticRegression(), THREE, make_pipeline(SimpleImputer(), StandardScaler()), holes=True),
    "logistic_median": scaled(linear_model.LogisticRegression(), TWO, make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), holes=True),
    "logistic_columns": by_column(linear_model.LogisticRegression()),
    "logistic_ordinal": lambda: exported(make_pipeline(ColumnTransformer([("rest", "passthrough", [0, 1]), ("kinds", OrdinalEncoder(), [2, 3])]),
                                                       linear_model.LogisticRegression()), *columns()),
    "logistic_no_zipmap": lambda: exported(linear_model.LogisticRegression(), *data(THREE), zipmap=False),
    "logistic_columns_zipmap": lambda: exported(linear_model.LogisticRegression(), *data(THREE), zipmap="columns"),
    "ridge": scaled(linear_model.Ridge(), NUMBERS),
    "ridge_classifier": scaled(linear_model.RidgeClassifier(), THREE),
    "lasso": scaled(linear_model.Lasso(), NUMBERS),
    "linear_two_targets": lambda: exported(linear_model.LinearRegression(), data(NUMBERS)[0], np.column_stack([data(NUMBERS)[1]] * 2)),
    "poisson": scaled(linear_model.PoissonRegressor(), NUMBERS),
    "sgd": scaled(linear_model.SGDClassifier(loss="log_loss", random_state=0), THREE),
    "perceptron": scaled(linear_model.Perceptron(random_state=0), TWO),
    "linear_svc": scaled(svm.LinearSVC(), TWO),
    "linear_svc_texts": scaled(svm.LinearSVC(), THREE, texts=True),
    "linear_svr": scaled(svm.LinearSVR(), NUMBERS),
    "svc": scaled(svm.SVC(), TWO),
    "svc_three": scaled(svm.SVC(), THREE),
    "svc_probability": scaled(svm.SVC(probability=True, random_state=0), TWO),
    "svc_probability_three": scaled(svm.SVC(probability=True, random_state=0), THREE, texts=True),
    "svc_poly": scaled(svm.SVC(kernel="poly", degree=3), THREE),
    "svc_linear": scaled(svm.SVC(kernel="linear"), TEN),
    "svc_sigmoid": scaled(svm.SVC(kernel="sigmoid"), THREE),
    "nu_svc": scaled(svm.NuSVC(), THREE),
    "svr": scaled(svm.SVR(C=100), NUMBERS),
    "svr_poly": scaled(svm.SVR(kernel="poly"), NUMBERS),
    "nu_svr": scaled(svm.NuSVR(), NUMBERS),
    "one_class_svm": lambda: exported(svm.OneClassSVM(), *data(THREE)),
    "tree": skl(tree.DecisionTreeClassifier(random_state=0), THREE),
    "tree_texts": skl(tree.DecisionTreeClassifier(random_state=0), TWO, texts=True),
    "tree_regressor": skl(tree.DecisionTreeRegressor(random_state=0), NUMBERS),
    "tree_two_targets": lambda: exported(tree.DecisionTreeRegressor(random_state=0), data(NUMBERS)[0], np.column_stack([data(NUMBERS)[1]] * 2)),
    "forest": skl(ensemble.RandomForestClassifier(100, random_state=0), TWO),
    "forest_three": skl(ensemble.RandomForestClassifier(100, random_state=0), THREE),
    "forest_ten": skl(ensemble.RandomForestClassifier(100, random_state=0), TEN, texts=True),
    "forest_holes": skl(ensemble.RandomForestClassifier(50, random_state=0), THREE, holes=True),
    "forest_integers": integers,
    "forest_regressor": skl(ensemble.RandomForestRegressor(100, random_state=0), NUMBERS),
    "extra_trees": skl(ensemble.ExtraTreesClassifier(100, random_state=0), THREE),
    "extra_trees_regressor": skl(ensemble.ExtraTreesRegressor(100, random_state=0), NUMBERS),
    "gradient_boosting": skl(ensemble.GradientBoostingClassifier(random_state=0), TWO),
    "gradient_boosting_three": skl(ensemble.GradientBoostingClassifier(random_state=0), THREE),
    "gradient_boosting_regressor": skl(ensemble.GradientBoostingRegressor(random_state=0), NUMBERS),
    "hist_gradient_boosting": skl(ensemble.HistGradientBoostingClassifier(random_state=0), TWO, holes=True),
    "hist_gradient_boosting_three": skl(ensemble.HistGradientBoostingClassifier(random_state=0), THREE, holes=True),
    "hist_gradient_boosting_regressor": skl(ensemble.HistGradientBoostingRegressor(random_state=0), NUMBERS),
    "ada_boost": skl(ensemble.AdaBoostClassifier(random_state=0), THREE),
    "bagging": skl(ensemble.BaggingClassifier(random_state=0), THREE),
    "voting": skl(ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier())], voting="soft", flatten_transform=False), THREE),
    "stacking": skl(ensemble.StackingClassifier([("a", tree.DecisionTreeClassifier(random_state=0)), ("b", naive_bayes.GaussianNB())]), THREE),
    "isolation_forest": skl(ensemble.IsolationForest(random_state=0), TWO),
    "nearest": scaled(neighbors.KNeighborsClassifier(), THREE),
    "nearest_texts": scaled(neighbors.KNeighborsClassifier(3), TWO, texts=True),
    "nearest_regressor": scaled(neighbors.KNeighborsRegressor(), NUMBERS),
    "gaussian_bayes": skl(naive_bayes.GaussianNB(), THREE),
    "multinomial_bayes": scaled(naive_bayes.MultinomialNB(), TEN, MaxAbsScaler()),
    "bernoulli_bayes": skl(naive_bayes.BernoulliNB(binarize=8.0), TEN),
    "gaussian_process": scaled(gaussian_process.GaussianProcessRegressor(alpha=1.0), NUMBERS),
    "mlp": scaled(neural_network.MLPClassifier(max_iter=300, random_state=0), THREE, texts=True),
    "mlp_two": scaled(neural_network.MLPClassifier(max_iter=300, random_state=0), TWO),
    "mlp_regressor": scaled(neural_network.MLPRegressor(max_iter=300, random_state=0), NUMBERS),
    "one_versus_rest": scaled(OneVsRestClassifier(linear_model.LogisticRegression()), THREE),
    "calibrated": scaled(CalibratedClassifierCV(linear_model.LogisticRegression()), THREE),
    "lightgbm": light(lightgbm.LGBMClassifier, TWO),
    "lightgbm_three": light(lightgbm.LGBMClassifier, THREE, holes=True),
    "lightgbm_regressor": light(lightgbm.LGBMRegressor, NUMBERS),
    "xgboost": extreme(xgboost.XGBClassifier, TWO),
    "xgboost_three": extreme(xgboost.XGBClassifier, THREE, holes=True),
    "xgboost_regressor": extreme(xgboost.XGBRegressor, NUMBERS),
}


def dense(output):
    """An output of ONNX Runtime as an array; maps become rows, in the order of their keys."""
    if isinstance(output, list):
        return np.array([list(row.values()) for row in output], dtype=np.float32)
    return output


def error(ours, theirs, labels):
    """command.error, for outputs that are texts too; labels that differ count as 1."""
    if theirs.dtype.kind in "OU":
        theirs = np.array([labels.index(t) for t in theirs.ravel()]).reshape(theirs.shape)
    return command.error(ours, theirs)


def compare(lithe, model, x, folder):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    file, _ = command.convert(lithe, folder / "model.onnx", folder)
    labels = labels_of(command.call(lithe, "inspect", file, "--json"))
    return max(
        error(ours, dense(theirs), labels)
        for rows in ROWS
        for ours, theirs in zip(command.run(lithe, file, {"x": x[:rows]}, names, folder), session.run(None, {"x": x[:rows]}))
    )


def main(lithe, *chosen):
    warnings.simplefilter("ignore")
    models = {name: make for name, make in MODELS.items() if not chosen or any(text in name for text in chosen)}
    exported = right = 0
    for name, make in models.items():
        try:
            model, x = make()
        except Exception as reason:  # exporters raise whatever they meet
            print(f"{name}: not exported: {str(reason)[:200]}", flush=True)
            continue
        exported += 1
        with tempfile.TemporaryDirectory() as folder:
            try:
                off = compare(lithe, model, x, Path(folder))
                right += off <= TOLERANCE
                print(f"{name}: {off:.1e}{'' if off <= TOLERANCE else '  DIFFERS'}", flush=True)
            except (command.Refused, ValueError) as reason:
                print(f"{name}: {str(reason)[:400]}", flush=True)
    print(f"{right} of {exported} models convert and agree with ONNX Runtime within {TOLERANCE}")
    return 0 if right == exported else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
