"""Specs that fill every string of the language, and what stands for each of those strings in them."""

from __future__ import annotations

from typing import Any

from aimass_compiler.checks import LANGUAGE
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import base, merged

#: Templates, commands, markup and YAML, each where a harmless word stood.
HOSTILE = (
    "{{ x }}", "{% x %}", "${x}", "$(x)", "$x", "`x`", "%s", "\n- x: 1\n", "\n", "\\", "\\\n", "'", '"',
    "'''", "\"; touch /tmp/x; echo \"",
    " # x", ": ", "- ", "\n---\n", "@all", "<script>x</script>", "</details>",
    "\n```\n", "```", "|", "[x](y)", "<!-- x -->", "::error::x", "\x85", "\u2028", "\u2029", "\ufeff",
    "\u202e", "\x1b[31m", "\x7f", "\t", "$$", "${{ x }}", "{{ $labels.x }}", "%{x}", "&a", "*a", "!t", "<<",
)  # fmt: skip

#: Transforms that take a column, several, or either under `columns`, by what they take.
_OF_NUMBERS = ("max_abs", "polynomial", "power_transform", "quantile_transform", "robust")
_OF_NAMES = ("frequency_encode", "rare", "target_encode")
_OF_TEXTS = ("normalize_text",)


def _of_each_column(form: str) -> str:
    """A spec with each of these transforms, for a column of its own."""
    columns = {f"of_{name}": "number" for name in _OF_NUMBERS}
    columns |= {f"of_{name}": "{type: category, values: [a, b]}" for name in _OF_NAMES}
    columns |= {f"of_{name}": "text" for name in _OF_TEXTS}
    declared = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
    features = "".join(f"  - {{{name.removeprefix('of_')}: {form.format(name)}}}\n" for name in columns)
    return f"data: {{columns: {{{declared}}}}}\nfeatures:\n{features}"


#: Everything that the base spec of the checks leaves out; each entry is a spec of its own.
_MORE = (
    """
metadata: {owner: team one, description: What it says}
positive: "yes"
weight: households
training: {class_weights: {"yes": 2}}
data:
  sources:
    customers:
      csv: {path: data/customers.csv, separator: ";", escape: "~", comment: "#", thousands: "_", missing: [x]}
    named: {csv: {path: data/named.csv, header: [first, second], quote: "'", missing: {plan: [none]}}}
    signed:
      csv: {path: data/signed.csv, thousands: {age: "_"}, signs: {age: [$]}, dates: {signup: "%d/%m/%Y"}}
    single: {csv: {path: data/single.csv, missing: {plan: none}, signs: {age: $}, encoding: cp1252}}
    usage: {jsonl: {path: data/usage.jsonl}}
    third: {parquet: {path: data/third.parquet}}
    fourth: data/fourth.csv
    fifth: {csv: data/fifth.csv}
    sixth: {jsonl: data/sixth.jsonl}
    seventh: {parquet: data/seventh.parquet}
    eighth: {arrow: {path: data/eighth.arrow}}
    ninth: {arrow: data/ninth.arrow}
    tenth: {sql: {query: SELECT one, connection: SHOP, snapshot: data/tenth.parquet}}
    eleventh: {sql: {table: customers, snapshot: data/eleventh.parquet}}
  contracts: {customers: [tenure], usage: all}
  join:
    - {left: customers, right: usage, on: customer_id}
    - {left: customers, right: third, on: [customer_id]}
    - {left: customers, right: fourth, on: customer_id}
    - {left: customers, right: named, on: customer_id}
    - {left: customers, right: signed, on: customer_id}
    - {left: customers, right: single, on: customer_id}
    - {left: customers, right: fifth, on: customer_id}
    - {left: customers, right: sixth, on: customer_id}
    - {left: customers, right: seventh, on: customer_id}
    - {left: customers, right: eighth, on: customer_id}
    - {left: customers, right: ninth, on: customer_id}
    - {left: customers, right: tenth, on: customer_id}
    - {left: customers, right: eleventh, on: customer_id}
  columns:
    customer_id: {type: id, description: Whose row it is}
    signup: {type: time, description: When it began}
    age: {type: number, min: 0, unit: years, description: How old they are}
    plan: {type: category, values: [basic, plus, pro], description: What they pay for}
    note: {type: text, description: What they wrote}
    charges: {type: number, missing: 0.1}
    households: {type: number, min: 0}
  clean:
    - drop_duplicates: customer_id
    - drop_duplicates: [customer_id]
    - drop_duplicates: {by: customer_id}
    - drop_duplicates: {by: [customer_id]}
    - drop_missing: age
    - drop_missing: [age]
    - drop_missing: {columns: age}
    - drop_missing: {columns: [age]}
    - keep: age > 0
    - keep: {where: age > 1}
  split: {by: hash, key: customer_id}
features:
  - impute: {columns: charges, with: constant, value: 0}
  - log: [charges]
  - clip: {columns: charges, min: 0, max: 9}
  - clip: {columns: [age], min: 0, max: 99}
  - compute: {name: ratio, formula: age + charges}
  - bucket: {column: age, count: 4, as: group}
  - cross: {columns: [plan, group], as: both, size: 16}
  - ordinal: {columns: plan, values: [basic, plus, pro]}
  - standardize: {columns: {type: number, but: [charges]}}
  - bag_of_words: {column: note, size: 20}
  - select: {top: 5, columns: [age, charges]}
objective: {metric: roc_auc}
evaluation:
  metrics: [roc_auc, recall]
  gates:
    - {metric: roc_auc, min: 0.7}
    - {metric: roc_auc, beats: released, environment: prod}
    - {metric: f1, min: 0.1, slice: plan}
    - {metric: f1, min: 0.2, slice: {plan: pro}}
  slices: [plan]
  decision: {threshold: {metric: f1}}
serving:
  gateway: {host: churn.example.com, name: front, namespace: gates}
  replicas: {schedule: [{start: 0 8 * * 1-5, end: 0 18 * * 1-5, servers: 3}]}
scoring: {source: "s3://lake/new.csv", into: "s3://lake/scores", key: [customer_id], schedule: 0 3 * * 1}
monitoring:
  {retrain: {schedule: 0 3 * * 1}, runbook: https://wiki.example.com/churn,
   labels: {source: "s3://lake/truth.csv", join: request_id, schedule: 0 4 * * 1}}
waivers:
  - {code: AM216, at: data.columns.note, reason: We know about it}
""",
    """
data: {columns: {note: text, signup: time, age: {type: number, min: 0}}, split: {by: time, column: signup}}
features:
  - {impute: {columns: plan, with: constant, value: none}}
  - {one_hot: plan}
  - {log: age}
  - {hash_text: note}
  - {min_max: age}
""",
    """
data:
  columns:
    age: {type: number, min: 0}
    note: text
    extra: number
    other: text
    kind: {type: category, values: [a, b]}
features:
  - {impute: age}
  - {impute: [charges]}
  - {impute: {columns: [charges, tenure], with: mean}}
  - {log: {columns: tenure}}
  - {log: {columns: [charges]}}
  - {bucket: tenure}
  - {cross: [plan, kind]}
  - {one_hot: {columns: plan}}
  - {one_hot: {columns: [kind]}}
  - {standardize: age}
  - {standardize: {columns: charges}}
  - {bag_of_words: note}
  - {drop: extra}
  - {drop: {columns: other}}
""",
    """
data:
  columns: {age: number, note: text, extra: number, other: text, kind: {type: category, values: [a, b]}}
  split: {by: hash, key: [customer_id]}
features:
  - {one_hot: [plan]}
  - {ordinal: kind}
  - {min_max: {columns: age}}
  - {min_max: {columns: [charges]}}
  - {standardize: {columns: [tenure]}}
  - {hash_text: {column: note}}
  - {drop: [extra]}
  - {drop: {columns: [other]}}
model: mlp
objective: {metric: roc_auc, loss: log_loss}
""",
    """
data:
  columns: {age: number, kind: {type: category, values: [a, b]}}
  split: {by: random, stratify: plan}
features: [{ordinal: [plan]}, {ordinal: {columns: [kind]}}, {min_max: [age]}]
""",
    """
data:
  columns: {part: {type: category, values: [train, validation, test]}}
  split: {by: column, column: part}
""",
    """
data: {columns: {scan: {type: image, shape: [1, 8, 8], description: Its cells}}}
features: [{standardize: scan}, {drop: [tenure, charges, plan]}]
model: cnn
""",
    "data: {split: {by: group, column: customer_id}}",
    """
data:
  columns:
    signup: time
    seen: time
    note: text
    few: {type: category, values: [a, b]}
    kind: {type: category, values: [a, b]}
features:
  - {missing_as: {columns: few, values: [none]}}
  - {rare: {columns: kind, as: seldom}}
  - {one_hot: {type: category}}
  - {time_since: {column: signup, start: seen, as: since}}
  - {date_parts: {column: signup, parts: [hour], timezone: Europe/Berlin}}
  - {cycle: {columns: signup_hour, period: 24}}
  - {date_parts: seen}
  - {drop: note}
""",
    """
data: {columns: {age: number, note: text, few: {type: category, values: [a, b]}}}
features:
  - {missing_as: {columns: [age], values: [-1]}}
  - {impute: age}
  - {cycle: {columns: [tenure], period: 12}}
  - {drop: note}
""",
    """
data: {columns: {note: text}}
features:
  - {extract: {column: note, as: title, within: "[A-Za-z]+x", pattern: "[A-Za-z]+"}}
  - {one_hot: title}
  - {drop: note}
""",
    """
data: {columns: {note: text}}
features: [{drop: [tenure, charges, plan]}, {tokens: note}]
model: rnn
""",
    """
data: {columns: {note: text}}
features: [{drop: [tenure, charges, plan]}, {tokens: {column: note, length: 8}}]
model: rnn
""",
    """
data: {columns: {beats: {type: series, length: 8, description: As measured}}}
features: [{drop: [tenure, charges, plan]}]
model: rnn
""",
    """
data:
  sources:
    customers: [data/first.csv, data/second.csv]
    photos: {image_folder: {path: data/photos, image: scan, label: folder, file: customer_id}}
    others: {image_folder: data/others}
    third: {union: [data/third.csv]}
    fourth: {union: {sources: [data/fourth.csv]}}
    seen: {parquet: data/seen.parquet}
    paid: {parquet: data/paid.parquet}
  join:
    - {left: customers, right: photos, on: customer_id}
    - {left: customers, right: seen, on: customer_id, how: asof, time: signup}
    - left: customers
      right: paid
      on: customer_id
      time: {left: signup, right: paid_at}
      order_by: number
      aggregate:
        payments: count
        spent: {function: sum, column: amount, window: 30d}
        amounts: {function: series, columns: [amount, number]}
        spends: {function: series, columns: number}
    - {left: customers, right: others, on: file}
    - {left: customers, right: third, on: customer_id}
    - {left: customers, right: fourth, on: customer_id}
  columns:
    signup: time
    file: id
    payments: number
    spent: {type: number, missing: 0.5}
    amounts: {type: series, length: 4, channels: 2, missing: 0.5}
    spends: {type: series, length: 4, missing: 0.5}
    scan: {type: image, shape: [1, 8, 8]}
features: [{drop: [tenure, charges, plan, payments, spent, amounts, spends]}]
model: cnn
""",
    """
data: {columns: {age: {type: number, missing: 0.1}, charges: {type: number, missing: 0.1}}}
features:
  - {impute: {columns: age, with: mean, by: plan}}
  - {impute: {columns: charges, with: regression, from: [tenure]}}
  - {pca: {columns: [age, charges], components: 2, as: both}}
  - {pca: {columns: tenure, components: 1}}
search: {warm_start: searches/first.json}
""",
    """
data: {columns: {age: number}}
features:
  - custom:
      path: beta/ratio.py:Ratio
      columns: [charges, tenure]
      outputs: {ratio: number}
      files: [alpha/table.json]
      parameters: {name: first, names: [second]}
  - {custom: {path: gamma/half.py:Half, columns: age, outputs: {age: number}}}
model:
  custom: {path: models/mine.py:Mine, files: [models/knots.json], parameters: {name: first, names: [second]}}
""",
    """
model:
  external: {command: [python, train.py], files: [train.py], parameters: {name: first, names: [second]}}
""",
    *(
        f"""
target: charges
task: {{forecast: {{horizon: 3, time: day, key: {key}}}}}
data: {{columns: {{day: time}}, split: {{by: time, column: day}}}}
features:
  - {{lags: {{column: charges, lags: [1]}}}}
  - {{seasonal_lags: {{column: charges, season_length: 7}}}}
  - {{rolling_windows: {{column: charges, windows: [3]}}}}
  - {{one_hot: [plan, churned]}}
model: lightgbm
objective: {{metric: mase}}
"""
        for key in ("plan", "[plan]")
    ),
    """
target: [churned, refunded]
data:
  sources:
    customers: {delta: {table: lake/customers, snapshot: data/customers.parquet}}
    orders: {iceberg: {table: shop.orders, catalog: trade, snapshot: data/orders.parquet}}
  join: [{left: customers, right: orders, on: customer_id}]
  columns: {refunded: {type: category, values: ["no", "yes"]}}
""",
    *(_of_each_column(form) for form in ("{0}", "[{0}]", "{{columns: {0}}}", "{{columns: [{0}]}}")),
)
#: What a language model has, each entry with another base; the rest is that of the checks' examples.
_OF_LANGUAGE = (
    """
data:
  columns: {prompt: text, answer: text, disliked: text}
model:
  language_model:
    base: {path: models/base}
    template: models/chat.jinja
    adapter: {lora: {targets: [q_proj, v_proj]}}
    preference: {rejected: disliked}
evaluation:
  suites:
    - lm_eval: {tasks: [own_task], path: evaluations}
      gates: [{task: own_task, metric: exact_match, min: 0.5}]
quantize: {scheme: int8, gates: [{metric: exact_match, loses: 0.01}]}
""",
    """
data: {columns: {messages: {type: chat, description: What was said}}}
target: messages
model: {language_model: {base: {hub: org/base, revision: 0123456789abcdef0123456789abcdef01234567}}}
serving:
  engine: vllm
  adapters: {models: [tone]}
  vllm: {api_key: callers}
  structured_output: {schema: {type: object, properties: {team: {const: network}}}}
""",
    f"""
data: {{columns: {{prompt: text, answer: text}}}}
model:
  language_model:
    base: {{oci: "registry.example.com/base@sha256:{"0" * 64}"}}
    adapter: {{lora: {{targets: all-linear}}}}
""",
)
_SETTINGS = """
environments:
  dev:
    {namespace: ml-dev, server: https://dev.example.com, secrets: [lake-reader], deployer: {user: alice},
     store: s3://lake/models,
     pods: {identity: {annotations: {example.com/role: reader}, labels: {use: wanted}},
            nodes: {pool: a, zone: [b]}, tolerations: [dedicated], training: {spot: {nodes: {kind: spot}}}}}
  staging:
    namespace: ml-staging
    deployer: [{group: developers}, {user: bob}]
    signature: {identity: "https://example.com/train.yml", issuer: "https://token.example.com"}
  prod:
    namespace: ml-prod
    deployer: {service_account: {name: deployer, namespace: ci}}
    signature: {key: cosign.pub}
images:
  registry: registry.example.com/ml
  python: "python:3.11-slim"
  ray: "rayproject/ray:2.55.1-py311"
  kubectl: "registry.k8s.io/kubectl:v1.36.2"
  vllm: "vllm/vllm-openai:v0.32.0"
  vllm_cpu: "vllm/vllm-openai-cpu:v0.32.0"
prometheus:
  labels: {release: prom}
  namespace: monitoring
  url: https://mimir.example.com/prometheus
  tenant: models
  secret: mimir
logs:
  {store: s3://records/ml, collector: otel, image: "otel/contrib:0.165.1", schedule: 17 * * * *}
ci:
  github:
    compiler: {version: 0.1.0}
    training: {schedule: 0 3 * * 1, watch: 23 * * * *}
    drift: 17 5 * * *
    verify: 7 * * * *
labels: {team: growth}
servers: {small: {}}
sharing: [{servers: [small], teams: [growth], environments: [prod]}]
queue: trials
teams: {namespace: "models-{team}-{environment}", owners: [acme/platform]}
waivers: [{code: AM216, at: data.columns, reason: We know about it}]
"""


def _spec(more: str) -> Any:
    return merged(base(), parse(more, "specs/churn.yaml")[0].data)


def _language(more: str) -> Any:
    sound = base(sound=LANGUAGE)
    data = {name: part for name, part in sound["data"].items() if name != "columns"}
    return merged({**sound, "data": data, "model": {}}, parse(more, "specs/churn.yaml")[0].data)


#: Sound specs and settings with a word wherever the language takes any.
SPECS: tuple[Any, ...] = (
    *({"spec": _spec(more), "settings": {}} for more in _MORE),
    *({"spec": _language(more), "settings": {}} for more in _OF_LANGUAGE),
    {"spec": base(), "settings": parse(_SETTINGS, "aimass.yaml")[0].data},
)
