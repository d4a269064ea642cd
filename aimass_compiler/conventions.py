"""Every name that two places must agree on: files, ports, labels, metrics, stages, variables."""

from __future__ import annotations

API_VERSION = "aimass/v1"
KIND = "Model"
#: A longer file is most likely data under the wrong name.
LARGEST_SPEC_BYTES = 5_000_000

# ---- files of a project -------------------------------------------------------------------
SETTINGS_FILE = "aimass.yaml"
SPECS_FOLDER = "specs"
#: Where images would lie as long as no registry is set: nothing is ever pushed there.
NO_REGISTRY = "registry.example.com"
GENERATED_FOLDER = "generated"
#: In it, beside the folders of models, what is made once for all of them; no model has this name.
FLEET_FOLDER = "fleet"
#: What an organisation says beside its settings: its teams, its own rules, and what models share.
TEAMS_FOLDER = "teams"
POLICIES_FOLDER = "policies"
CONTRACTS_FOLDER = "contracts"
FEATURES_FOLDER = "features"
#: What describes a team.
TEAM_FILE = f"{TEAMS_FOLDER}/{{team}}.yaml"
#: A rule of the organisation, and who need not keep it.
POLICY_WAIVERS_FOLDER = "waivers"
POLICY_FILE = f"{POLICIES_FOLDER}/{{policy}}.yaml"
POLICY_WAIVERS_FILE = f"{POLICIES_FOLDER}/{POLICY_WAIVERS_FOLDER}/{{policy}}.yaml"
#: All that may change what every spec stands for, below the project's root.
ORGANISATION_FOLDERS = (TEAMS_FOLDER, POLICIES_FOLDER, CONTRACTS_FOLDER, FEATURES_FOLDER)
#: What names an image for ever, as a regular expression.
DIGEST_PATTERN = "sha256:[0-9a-f]{64}"
#: What GitHub reads, and in it the folder of workflows; those called `aimass-*.yml` are the compiler's.
GITHUB_FOLDER = ".github"
WORKFLOWS_FOLDER = "workflows"
CODE_OWNERS_FILE = "CODEOWNERS"
#: The first line of a plan below a pull request, by which it is found again.
PLAN_MARKER = "<!-- aimass plan -->"
ARTIFACTS_FOLDER = "artifacts"
#: What was made: a folder of records for each model.
VERSIONS_FOLDER = "versions"
VERSION_FORMAT = "aimass.version/v1"
#: Where the catalogue has the page of a model, which dashboards link to.
CATALOGUE_PAGE = "models/{model}.html"
#: What runs where: below a folder of the environment and one of the model, a Kustomize component.
RELEASES_FOLDER = "releases"
RELEASE_FILE = "kustomization.yaml"
#: Which breaks of its contract a model's callers agreed to: a file for each model.
ACCEPTS_FOLDER = "accepts"
#: The packages of released versions, below the model's artifacts folder: each in a folder called by its hash,
#: and beside them which of them the gate `beats: released` compares with.
RELEASED_FOLDER = "released"
RELEASED_FILE = "compared.json"
RELEASED_FORMAT = "aimass.compared/v1"
PIPELINE_FILE = "pipeline.json"
DVC_FILE = "dvc.yaml"
DVC_LOCK = "dvc.lock"
PIPELINE_FORMAT = "aimass.pipeline/v1"
#: What the compiler knows of a model beside its pipeline, for those who compare two revisions.
RESOLVED_FILE = "resolved.json"
RESOLVED_FORMAT = "aimass.resolved/v1"
INVENTORY_FILE = "inventory.json"
SCHEMA_FILE = "schemas/model.json"
SETTINGS_SCHEMA_FILE = "schemas/settings.json"
ACCEPTS_SCHEMA_FILE = "schemas/accepts.json"
TEAM_SCHEMA_FILE = "schemas/team.json"
POLICY_SCHEMA_FILE = "schemas/policy.json"
POLICY_WAIVERS_SCHEMA_FILE = "schemas/policy-waivers.json"
#: Names the folder for what the compiler remembers of projects, instead of one in the user's caches.
VARIABLE_CACHE = "AIMASS_CACHE_DIR"

#: What the rows are divided into: to learn from, to choose between trials, and to judge the model.
SPLITS = ("train", "validation", "test")
#: The key, among the values of a trial, of which of several models it trained.
TRIAL_MODEL = "model"

# ---- the package: what training hands to serving -------------------------------------------
#: An image file of more pixels than this is not decoded: a small file may claim any size.
MOST_PIXELS = 2**24
#: The field of a value that stands for a file: its path on this machine. No data has such a name.
FILE_PATH = "\x01file"
PACKAGE_FORMAT = "aimass.package/v1"
MODEL_FILE = "model.onnx"
SIGNATURE_FILE = "signature.json"
REFERENCE_FILE = "reference.json"
REFERENCE_FORMAT = "aimass.reference/v1"
#: A few rows with the answers that were evaluated: the server asks them itself before it is ready.
GOLDEN_FILE = "golden.json"
GOLDEN_FORMAT = "aimass.golden/v1"
#: The package of a language model, and a few prompts with the tokens that were certified.
LANGUAGE_PACKAGE_FORMAT = "aimass.language-model/v1"
GOLDEN_ANSWERS_FORMAT = "aimass.golden-answers/v1"
#: Who may have a turn of a conversation, in data, chat templates and requests.
CHAT_ROLES = ("system", "user", "assistant", "tool")
#: What onnxruntime-genai loads of such a package.
ONNX_FOLDER = "onnx"
#: The SHA-256 of every other file of the package.
MANIFEST_FILE = "manifest.json"
MANIFEST_FORMAT = "aimass.manifest/v1"
#: What tells a server of several models where the package of one is.
SERVED_FORMAT = "aimass.served/v1"
MODEL_CARD_FILE = "model_card.md"
#: What a package of a language model says of its forms: that they read and answer the same.
PARITY_FILE = "parity.json"
PARITY_FORMAT = "aimass.parity/v1"
#: In such a package, what transformers and vLLM read.
WEIGHTS_FOLDER = "weights"
#: What the packaged model reached, beside the package's folder: its version's record has them.
METRICS_FILE = "metrics.json"
#: Versions of ONNX's operator sets and file format, for the feature graph and every model: so they merge.
ONNX_OPSETS = {"": 20, "ai.onnx.ml": 3}
ONNX_IR_VERSION = 10
#: Tensors of model.onnx: every number column is one column of NUMBERS, every category, text
#: or time column one of STRINGS, and an image column is a tensor of its own name.
NUMBERS_TENSOR = "numbers"
STRINGS_TENSOR = "strings"
#: The types of column whose values a request writes as text, whatever the model makes of them.
WRITTEN_AS_TEXT = frozenset(("category", "text", "time"))
PROBABILITIES_OUTPUT = "probabilities"
#: In which scale explanations of classes add up.
PROBABILITY, LOG_ODDS = "probability", "log_odds"
LABEL_OUTPUT = "label"
LABELS_OUTPUT = "labels"
PREDICTION_OUTPUT = "prediction"
#: The ends of a prediction interval.
LOWER_OUTPUT, UPPER_OUTPUT = "lower", "upper"
#: How far the network's representation of a row is from those of training, which no caller is answered.
DISTANCE_OUTPUT = "representation/distance"
#: What a forecast answers for each step of its horizon: the value, and between which it lies.
FORECAST_OUTPUTS = (PREDICTION_OUTPUT, LOWER_OUTPUT, UPPER_OUTPUT)

# ---- stages ------------------------------------------------------------------------------------
#: What moves a stage's rows, and the variable that names one of them.
ENGINES = ("local", "ray")
ENGINE_VARIABLE = "AIMASS_ENGINE"
RUNTIME_COMMAND = "aimass-runtime"

#: Of a pod that scores a table: the job that it belongs to, whose tries are one run.
SCORING_JOB_VARIABLE = "AIMASS_SCORING_JOB"

# ---- serving -----------------------------------------------------------------------------------
PORT = 8080
PORT_NAME = "http"
#: Where servers of rows answer gRPC, if a spec asks for it.
GRPC_PORT, GRPC_PORT_NAME = 8081, "grpc"
#: What is asked of a model over gRPC; as a path below that of the model.
GRPC_INFER = "ModelInfer"
GRPC_PATH = "/inference.GRPCInferenceService"
LIVE_PATH = "/v2/health/live"
READY_PATH = "/v2/health/ready"
METRICS_PATH = "/metrics"
PREDICT_PATH = "/predict"
EXPLAIN_PATH = "/explain"
OPENAPI_PATH = "/openapi.json"
#: What servers of language models are asked at, as by OpenAI's clients.
COMPLETIONS_PATH = "/v1/completions"
CHAT_PATH = "/v1/chat/completions"
SERVED_MODELS_PATH = "/v1/models"
GENERATION_PATHS = (SERVED_MODELS_PATH, COMPLETIONS_PATH, CHAT_PATH)
HEALTH_PATH = "/health"
#: Below it, each model of the Open Inference Protocol by its name.
MODELS_PATH = "/v2/models"
#: How long a server that was told to stop goes on answering, so that callers learn to go elsewhere.
STAY_SECONDS = 2
IMAGE_PACKAGE_FOLDER = "/model"
#: What pods call the volume with the package, where it is one.
PACKAGE_VOLUME = "model"
RUN_AS_USER = 10001
#: What the images that train are called in the registry: one for each framework, told apart by their tags.
TRAINING_IMAGE, RECORDS_IMAGE = "aimass-train", "aimass-records"
TRAINING_DOCKERFILE = "image/train.Dockerfile"

VARIABLE_CONCURRENCY = "AIMASS_CONCURRENCY"
VARIABLE_TIMEOUT_SECONDS = "AIMASS_TIMEOUT_SECONDS"
VARIABLE_BODY_BYTES = "AIMASS_BODY_BYTES"
VARIABLE_PREDICTION_SAMPLE = "AIMASS_PREDICTION_SAMPLE"
VARIABLE_HIDDEN_COLUMNS = "AIMASS_HIDDEN_COLUMNS"
VARIABLE_EXPLAINED_ROWS = "AIMASS_EXPLAINED_ROWS"
VARIABLE_DRIFT_WINDOW_SECONDS = "AIMASS_DRIFT_WINDOW_SECONDS"
VARIABLE_DRIFT_METHOD = "AIMASS_DRIFT_METHOD"
#: The ConfigMap that tells a shared server of a model, and what it has beside the model's variables.
ENTRY_NAME = "{model}-served"
ENTRY_MODEL, ENTRY_IMAGE, ENTRY_HOST = "model", "image", "host"
#: In a ConfigMap, a manifest in JSON whose images a release replaces, too.
ENTRY_JOB = "job"
#: Where what says who may ask is: a list of the folders of `access_folder`, and what each is read from.
ENTRY_ACCESS = "access"
#: In the folder of packages, once all that were listed have been brought; and the Secret by which they are.
BROUGHT_FILE, REGISTRY_SECRET = ".brought", "aimass-registry"
#: What each model of a shared server has of its own.
MODEL_VARIABLES = (
    VARIABLE_CONCURRENCY, VARIABLE_TIMEOUT_SECONDS, VARIABLE_BODY_BYTES, VARIABLE_PREDICTION_SAMPLE,
    VARIABLE_EXPLAINED_ROWS, VARIABLE_DRIFT_WINDOW_SECONDS, VARIABLE_DRIFT_METHOD, VARIABLE_HIDDEN_COLUMNS,
)  # fmt: skip
#: Of a server of a language model: tokens of prompt and answer, answers at once, and further ends of buckets.
VARIABLE_CONTEXT, VARIABLE_CONCURRENT = "AIMASS_CONTEXT", "AIMASS_CONCURRENT"
VARIABLE_FIRST_TOKEN_BUCKETS = "AIMASS_FIRST_TOKEN_BUCKETS"  # noqa: S105  # numbers and no secret
VARIABLE_TOKEN_BUCKETS = "AIMASS_TOKEN_BUCKETS"  # noqa: S105  # numbers and no secret
#: What answers must look like, instead of what the package says: `none`, or a JSON Schema.
VARIABLE_STRUCTURED_OUTPUT = "AIMASS_STRUCTURED_OUTPUT"
#: Of a server of several models: what it is called, and the memory beyond which it loads no further one.
VARIABLE_SERVER, VARIABLE_MEMORY_BYTES = "AIMASS_SERVER", "AIMASS_MEMORY_BYTES"
#: As OpenTelemetry calls them. Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
VARIABLE_TRACES_ENDPOINT, VARIABLE_TRACES_SAMPLE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"
VARIABLE_WORKERS, VARIABLE_ACCESS = "AIMASS_WORKERS", "AIMASS_ACCESS"
VARIABLE_GRPC_PORT = "AIMASS_GRPC_PORT"
VARIABLE_DRAIN_SECONDS, VARIABLE_STAY_SECONDS = "AIMASS_DRAIN_SECONDS", "AIMASS_STAY_SECONDS"

# ---- metrics that the server exports and that alerts and dashboards read -------------------------
#: How often Prometheus asks; dashboards take rates over four times as long.
SCRAPE_INTERVAL = "30s"
METRIC_REQUESTS = "aimass_requests_total"  # labels: model, code
METRIC_DURATION = "aimass_request_duration_seconds"  # histogram; labels: model
METRIC_IN_FLIGHT = "aimass_requests_in_flight"
METRIC_CONCURRENCY_LIMIT = "aimass_concurrency_limit"
METRIC_REJECTED = "aimass_rejected_total"  # labels: model, reason
METRIC_CALLER_REQUESTS, METRIC_CALLER_SPENT = "aimass_caller_requests_total", "aimass_caller_spent_total"
METRIC_UNKNOWN_CALLERS = "aimass_unknown_callers_total"  # labels: model, code
METRIC_CONNECTIONS = "aimass_connections"
METRIC_CONNECTIONS_LIMIT = "aimass_connections_limit"
METRIC_CONNECTIONS_ENDED = "aimass_connections_ended_total"  # labels: model, reason
METRIC_LOG_DROPPED = "aimass_log_lines_dropped_total"
METRIC_VIOLATIONS = "aimass_contract_violations_total"  # labels: model, field
METRIC_ROWS = "aimass_predicted_rows_total"
METRIC_LABELS = "aimass_predicted_labels_total"  # classification; labels: model, label
METRIC_PREDICTION = "aimass_prediction_value"  # regression; histogram over the reference's edges
SERIES_DRIFT = "aimass_drift_{method}"  # gauge; labels: model, feature
METRIC_DRIFT_ROWS = "aimass_drift_window_rows"
#: What a model says of itself where rules are the fleet's, and labels of it: error budget and runbook.
SERIES_DECLARED = "aimass:declared"
#: An annotation of a Service that says a label of that series, and the job of what Prometheus finds by it.
ANNOTATION_DECLARED, JOB_DECLARED = "declared.aimass.dev/{}", "aimass-declared"
LABEL_BUDGET, LABEL_RUNBOOK = "budget", "runbook"
#: Of an alert: which objective is missed, and the page that says what to do.
LABEL_OBJECTIVE, ANNOTATION_RUNBOOK = "objective", "runbook_url"
OBJECTIVE_AVAILABILITY = "availability"
#: What a pod shows that scores a table.
SERIES_SCORED_ROWS = "aimass_scoring_rows"  # gauge; labels: model, version, outcome
SERIES_SCORING_DRIFT = "aimass_scoring_drift_{method}"  # gauge; labels: model, feature
SERIES_SCORING_SUCCESS = "aimass_scoring_last_success_timestamp_seconds"
METRIC_MODEL_INFO = "aimass_model_info"  # gauge, 1; labels: model, version
METRIC_MODEL_LOADED = "aimass_model_loaded"  # gauge, 0 or 1: of a server of several models
METRIC_MODEL_MEMORY = "aimass_model_memory_bytes"
METRIC_TRAINED = "aimass_model_trained_timestamp_seconds"
#: What engines that generate text call the same facts, behind their prefix. Counters end with `_total`.
#: Source: vllm/v1/metrics/loggers.py of vLLM 0.32
VLLM_VERSION = "0.32.0"
ENGINE_PREFIXES = {"onnx": "aimass_", "vllm": "vllm:"}
METRIC_FIRST_TOKEN = "time_to_first_token_seconds"  # noqa: S105  # a histogram and no secret
METRIC_TOKEN = "inter_token_latency_seconds"  # noqa: S105  # a histogram and no secret
METRIC_RUNNING = "num_requests_running"
METRIC_WAITING = "num_requests_waiting"
METRIC_CACHE_USAGE = "kv_cache_usage_perc"  # 1 is full
METRIC_PREEMPTIONS = "num_preemptions_total"
METRIC_PROMPT_TOKENS = "prompt_tokens_total"
METRIC_GENERATED_TOKENS = "generation_tokens_total"
METRIC_ADMISSION_REJECTIONS = "admission_rejections_total"  # labels: reason
#: Where the buckets of both histograms end, beside the objectives.
FIRST_TOKEN_BUCKETS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
    80.0, 160.0, 640.0, 2560.0,
)  # fmt: skip
TOKEN_BUCKETS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
DURATION_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

# ---- Kubernetes -------------------------------------------------------------------------------------
LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
#: Its values: which part of a model objects are of.
COMPONENT_SCORING, COMPONENT_QUALITY = "scoring", "quality"
COMPONENT_SERVER, COMPONENT_TRAINING, COMPONENT_MONITORING = "server", "training", "monitoring"
LABEL_PART_OF = "app.kubernetes.io/part-of"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_MODEL = "aimass.dev/model"
LABEL_ENVIRONMENT = "aimass.dev/environment"
#: Of what tells a shared server of one model, so that the server finds it.
LABEL_SERVER = "aimass.dev/server"
LABEL_TEAM = "aimass.dev/team"
#: What the compiler sets itself, so that selectors and clean-up may rest on it.
OUR_LABELS = frozenset(
    (
        LABEL_NAME,
        LABEL_INSTANCE,
        LABEL_COMPONENT,
        LABEL_PART_OF,
        LABEL_MANAGED_BY,
        LABEL_MODEL,
        LABEL_ENVIRONMENT,
        LABEL_SERVER,
        LABEL_TEAM,
    )
)
ANNOTATION_OWNER = "aimass.dev/owner"
#: Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#description
ANNOTATION_DESCRIPTION = "kubernetes.io/description"
#: Which version of a model an object runs, and what else its release says.
ANNOTATION_VERSION = "aimass.dev/version"
ANNOTATION_STABLE = "aimass.dev/stable-version"
ANNOTATION_STABLE_IMAGES = "aimass.dev/stable-images"
ANNOTATION_HELD_BY = "aimass.dev/held-by"
ANNOTATION_HELD_UNTIL = "aimass.dev/held-until"
ANNOTATION_HOLD_REASON = "aimass.dev/hold-reason"
#: The image of the server alone: what manifests call it, and what it is called in the registry.
SERVER_IMAGE = "aimass-server"
#: What the package alone is called in the registry, as an image that holds nothing else.
PACKAGE_IMAGE = "{model}-package"
MANAGER = "aimass-compile"
#: The field manager of a number of servers that git leaves to a scaler, until the scaler writes it.
HANDOVER_MANAGER = "aimass-handover"
#: Of the Role and its binding, of the record of what was applied, and of the lease that is held meanwhile.
RECORD_NAME = "aimass-{model}-{environment}"
#: Of the Role and its binding of who may roll back at once.
ROLLBACK_NAME = "aimass-{model}-{environment}-rollback"
#: Of the Role and its binding of who may start training, and of the lease that is held meanwhile.
TRAINING_NAME = "aimass-{model}-{environment}-train"
#: In a team's namespace, of the Roles and bindings of who applies, rolls back at once, and trains.
TEAM_DEPLOYER, TEAM_ONCALL, TEAM_TRAINER = "aimass-deployer", "aimass-oncall", "aimass-trainer"
#: Which part of a team's objects are those of its namespace.
TEAM_COMPONENT = "team"
#: Of what keeps a team's hosts, which is a policy of the whole cluster.
TEAM_HOSTS = "aimass-{team}-{environment}-hosts"
#: Of a training job: the ServiceAccount and the NetworkPolicy of its pods, and its volume.
TRAINING_ACCOUNT = "{model}-training"
WORKSPACE = "{model}-workspace"
#: Of what scores a table: the CronJob, its ServiceAccount, NetworkPolicy, ConfigMap and rules.
SCORING = "{model}-scoring"
#: Of what creates its RayJob by the clock: the ServiceAccount, and the Role and its binding.
SCORING_CLOCK, SCORING_ROLE = "{model}-scoring-clock", "aimass-{model}-{environment}-score"
#: Of what measures its quality in production: the CronJob, its account, NetworkPolicy, ConfigMap and rules.
QUALITY = "{model}-quality"
#: During a canary: the Services of the new version and of the one that serves on, and what gives a verdict.
CANARY_SERVICE = "{model}-canary"
STABLE_SERVICE = "{model}-stable"
VERDICT = "{model}-verdict"
#: The template of claims on accelerators, and what a pod calls its claim.
CLAIM_TEMPLATE = "{model}-devices"
DEVICE_CLAIM = "devices"
#: What is called after a model, so that no other model may be called so: its Service, ServiceAccount,
#: AnalysisTemplate or image would be the same object.
CALLED_AFTER_MODEL = {
    PACKAGE_IMAGE: "the image of its package",
    TRAINING_ACCOUNT: "the ServiceAccount of its training job",
    SCORING: "the CronJob that scores its table",
    SCORING_CLOCK: "the ServiceAccount of what creates its scoring job",
    QUALITY: "the CronJob that measures it in production",
    CANARY_SERVICE: "the Service of its canary",
    STABLE_SERVICE: "the Service of what serves beside its canary",
    VERDICT: "the AnalysisTemplate that judges its canary",
}
#: Which rows a training job was given: a hash over the files that were copied to its volume.
ANNOTATION_DATA = "aimass.dev/data"
#: Which zone a node is in.
LABEL_ZONE = "topology.kubernetes.io/zone"
#: What Kubernetes sets on every namespace, and by which policies name it.
LABEL_NAMESPACE = "kubernetes.io/metadata.name"
#: By which Kueue knows the queue of a job.
LABEL_QUEUE = "kueue.x-k8s.io/queue-name"
#: On a namespace: whether Sigstore's policy-controller looks at what runs in it.
LABEL_SIGNED = "policy.sigstore.dev/include"
GPU_RESOURCE = "nvidia.com/gpu"  # what the training job asks for, and plans count
