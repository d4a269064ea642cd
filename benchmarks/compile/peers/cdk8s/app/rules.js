// The recording rules and alerts of one model in one environment.
const WINDOWS = ["5m", "1h", "30m", "6h", "2h", "1d", "3d"];
const BURNS = {
  page: [
    { short: "5m", long: "1h", factor: 14.4 },
    { short: "30m", long: "6h", factor: 6 },
  ],
  ticket: [
    { short: "2h", long: "1d", factor: 3 },
    { short: "6h", long: "3d", factor: 1 },
  ],
};

const digits = (number) => `${Number(number.toPrecision(6))}`;
const total = (func, series, window) => `sum by (namespace, model) (${func}(${series}[${window}]))`;

function rules(model) {
  const { name, environment, namespace } = model;
  const place = `${name} in ${environment}`;
  const chosen = `model="${name}",namespace="${namespace}"`;
  const all = `{${chosen}}`;
  const requests = `aimass_requests_total${all}`;
  const failed = `aimass_requests_total{${chosen},code=~"5.."}`;
  const answered = `aimass_request_duration_seconds_count${all}`;
  const fast = `aimass_request_duration_seconds_bucket{${chosen},le="${model.latencySeconds}"}`;
  const broken = total("increase", `aimass_contract_violations_total${all}`, "15m");
  const asked = `sum by (namespace, model) (increase(${requests}[1h]`;
  const feature = "{{ $labels.feature }}";

  const group = (subject, rules) => ({ name: `${name}.${environment}.${subject}`, rules });
  const alert = (name, severity, hold, expr, summary, description, labels = {}) => ({
    alert: name,
    expr,
    for: hold,
    labels: { severity, model: model.name, environment, ...labels },
    annotations: { summary, description, owner: model.owner },
  });
  const budgetBurn = (objective, budget, bad, severity) =>
    alert(
      "ModelBudgetBurn",
      severity,
      severity === "page" ? "2m" : "15m",
      BURNS[severity]
        .map(({ short, long, factor }) => {
          const recorded = (window) => `aimass:${objective}:bad_ratio_rate${window}${all}`;
          const limit = digits(factor * budget);
          return `${recorded(short)} > ${limit}\nand ${recorded(long)} > ${limit}\nand (${bad(long)}) >= 10\n`;
        })
        .join("or\n"),
      `${name} misses its ${objective} objective`,
      `Too many requests to ${place} are bad by its ${objective} objective: ` +
        `the budget of 30 days is being used up ${severity === "page" ? "fast" : "slowly but surely"}.`,
      { objective },
    );
  const failures = (window) => total("increase", failed, window);
  const slow = (window) => `${total("increase", answered, window)} - ${total("increase", fast, window)}`;
  const budget = (100 - model.availabilityPercent) / 100;
  const severities = Object.keys(BURNS);

  return [
    group("records", [
      ...WINDOWS.map((window) => ({
        record: `aimass:availability:bad_ratio_rate${window}`,
        expr: `${total("rate", failed, window)}\n/ ${total("rate", requests, window)}\n`,
      })),
      ...WINDOWS.map((window) => {
        const every = total("rate", answered, window);
        return {
          record: `aimass:latency_p99:bad_ratio_rate${window}`,
          expr: `(\n${every}\n- ${total("rate", fast, window)}\n)\n/ ${every}\n`,
        };
      }),
    ]),
    group("objectives", [
      ...severities.map((severity) => budgetBurn("availability", budget, failures, severity)),
      ...severities.map((severity) => budgetBurn("latency_p99", 0.01, slow, severity)),
    ]),
    group(
      "drift",
      [
        ["page", model.driftPage],
        ["ticket", model.driftWarn],
      ].map(([severity, limit]) =>
        alert(
          "ModelDrift",
          severity,
          "15m",
          `avg by (namespace, model, feature) (\n  aimass_drift_psi${all}\n` +
            `  and on (namespace, pod) (aimass_drift_window_rows${all} >= 500)\n) > ${limit}\n`,
          `${feature} of ${name} moved away from the training data`,
          `The population stability index of ${feature} in ${environment} is above ${limit}: ` +
            "look at where the data comes from, or train again.",
        ),
      ),
    ),
    group("servers", [
      alert(
        "ModelAbsent",
        "page",
        "5m",
        `absent(aimass_model_info${all})`,
        `no server of ${name} answers`,
        `Prometheus has seen no server of ${place} for five minutes.`,
      ),
      alert(
        "ModelServerDown",
        "ticket",
        "15m",
        `sum by (namespace) (1 - up{job="${name}",namespace="${namespace}"}) > 0`,
        `a server of ${name} does not answer`,
        `At least one server of ${place} has not answered Prometheus for 15 minutes.`,
      ),
      alert(
        "ModelSaturated",
        "ticket",
        "10m",
        `${total("avg_over_time", `aimass_requests_in_flight${all}`, "5m")}\n/\n` +
          `${total("avg_over_time", `aimass_concurrency_limit${all}`, "5m")}\n> 0.9\n`,
        `the servers of ${name} are nearly full`,
        `${place} has been at more than 90% of its concurrency for ten minutes; beyond it ` +
          "requests are refused. Raise the most replicas, or the concurrency.",
      ),
    ]),
    group("callers", [
      alert(
        "ModelIdle",
        "ticket",
        "15m",
        `${asked} offset 1d)) >= 10\nunless ${asked})) > 0\n`,
        `no one asks ${name} any more`,
        `${place} has had no request for an hour, but had some a day ago at this time: ` +
          "look at the callers and at the way to the servers.",
      ),
      alert(
        "ModelContractViolated",
        "ticket",
        "15m",
        `${broken}\n/ ${total("increase", requests, "15m")}\n> 0.1\nand ${broken} >= 10\n`,
        `requests to ${name} break its contract`,
        `More than 10% of the requests to ${place} have been refused because of their fields; ` +
          "the dashboard shows which. Ask the callers what has changed.",
      ),
    ]),
  ];
}

module.exports = { rules };
