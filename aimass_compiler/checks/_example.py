"""What shows a check at work: a change to a sound spec that fails it, and one that passes."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example

#: The spec that examples change: no check finds anything in it.
BASE = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: churn}
data:
  sources: {customers: data/customers.csv}
  columns:
    customer_id: id
    tenure: {type: number, min: 0}
    charges: number
    plan: {type: category, values: [basic, plus, pro]}
    churned: {type: category, values: ["no", "yes"]}
target: churned
features:
  - standardize: [tenure, charges]
  - one_hot: plan
model: logistic_regression
"""

__all__ = ["BASE", "Example"]
