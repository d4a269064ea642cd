// The Grafana dashboard of one model; its reader chooses the environment.
const { createHash } = require("node:crypto");

const SOURCE = { type: "prometheus", uid: "${datasource}" };

function panels(model) {
  const chosen = `model="${model.name}",namespace="$namespace"`;
  const all = `{${chosen}}`;
  const rate = (metric, selector = all) => `rate(${metric}${selector}[$__rate_interval])`;
  const by = (label, metric) => `sum by (${label}) (${rate(metric)})`;
  const quantile = (share, metric) => `histogram_quantile(${share}, ${by("le", `${metric}_bucket`)})`;
  const failures = rate("aimass_requests_total", `{${chosen},code=~"5.."}`);
  const budget = Math.round((100 - model.availabilityPercent) * 1e7) / 1e9;
  return [
    { title: "Requests", unit: "reqps", lines: [[by("code", "aimass_requests_total"), "{{code}}"]] },
    {
      title: "Failed requests",
      unit: "percentunit",
      description: `The objective is ${model.availabilityPercent}% of requests without a failure.`,
      lines: [[`sum(${failures}) / sum(${rate("aimass_requests_total")})`, "failed"]],
      end: budget,
    },
    {
      title: "Answer time",
      unit: "s",
      lines: [0.5, 0.95, 0.99].map((share) => [
        quantile(share, "aimass_request_duration_seconds"),
        `p${Math.round(share * 100)}`,
      ]),
      end: model.latencySeconds,
    },
    {
      title: "Requests in flight",
      unit: "short",
      lines: [
        [`sum(avg_over_time(aimass_requests_in_flight${all}[$__rate_interval]))`, "in flight"],
        [`sum(aimass_concurrency_limit${all})`, "limit"],
      ],
    },
    { title: "Refused requests", unit: "reqps", lines: [[by("reason", "aimass_rejected_total"), "{{reason}}"]] },
    { title: "Servers", unit: "short", lines: [[`count by (version) (aimass_model_info${all})`, "{{version}}"]] },
    {
      title: "Drift",
      unit: "short",
      description: `Population stability index over ${model.driftHours}h, against the training data.`,
      lines: [[`avg by (feature) (aimass_drift_psi${all})`, "{{feature}}"]],
      end: model.driftPage,
    },
    { title: "Predicted rows", unit: "short", lines: [[`sum(${rate("aimass_predicted_rows_total")})`, "rows a second"]] },
    { title: "Predictions", unit: "short", lines: [[by("label", "aimass_predicted_labels_total"), "{{label}}"]] },
    {
      title: "Requests that break the contract",
      unit: "short",
      lines: [[by("field", "aimass_contract_violations_total"), "{{field}}"]],
    },
    { title: "Rows in the drift window", unit: "short", lines: [[`sum(aimass_drift_window_rows${all})`, "rows"]] },
    {
      title: "Age of the model",
      unit: "s",
      type: "stat",
      lines: [[`time() - max(aimass_model_trained_timestamp_seconds${all})`, "age"]],
    },
  ];
}

function drawn({ title, unit, lines, description = "", end, type = "timeseries" }, place) {
  const steps = [{ color: "green", value: null }];
  if (end !== undefined) steps.push({ color: "red", value: end });
  const custom = { thresholdsStyle: { mode: end === undefined ? "off" : "line" } };
  return {
    id: place + 1,
    type,
    title,
    description,
    datasource: SOURCE,
    gridPos: { x: (place % 3) * 8, y: Math.floor(place / 3) * 8, w: 8, h: 8 },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: "absolute", steps },
        ...(type === "timeseries" && { custom }),
      },
      overrides: [],
    },
    targets: lines.map(([expr, legendFormat], index) => ({
      refId: "ABC"[index],
      expr,
      legendFormat,
      interval: "30s",
      datasource: SOURCE,
    })),
  };
}

function dashboard(model) {
  const series = `label_values(aimass_model_info{model="${model.name}"}, namespace)`;
  const digest = createHash("sha256").update(model.name).digest("hex");
  return {
    uid: `aimass-${digest.slice(0, 12)}`,
    title: `Model ${model.name}`,
    tags: ["aimass", model.name],
    schemaVersion: 41,
    editable: false,
    graphTooltip: 1,
    refresh: "1m",
    time: { from: "now-6h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus", hide: 0 },
        {
          name: "namespace",
          label: "Namespace",
          type: "query",
          datasource: SOURCE,
          query: series,
          definition: series,
          refresh: 2,
          sort: 1,
          hide: 0,
        },
      ],
    },
    annotations: { list: [] },
    panels: panels(model).map(drawn),
  };
}

module.exports = { dashboard };
