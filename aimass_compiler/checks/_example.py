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
#: The same of a language model.
LANGUAGE = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: tickets}
data:
  sources: {tickets: data/tickets.jsonl}
  columns: {prompt: text, answer: text}
target: answer
model:
  language_model:
    base:
      hub: acme/large
      revision: 0123456789abcdef0123456789abcdef01234567
      architecture: {parameters: 8030261248, layers: 32, heads: 32, kv_heads: 8, hidden: 4096,
                     intermediate: 14336, vocabulary: 128256, context: 131072}
    adapter: lora
    sequence_length: 1024
training: {batch_size: 2, resources: {memory: 96Gi}}
serving: {resources: {memory: 64Gi}}
"""

__all__ = ["BASE", "LANGUAGE", "Example"]
