// The recording rules and alerts of one model in one environment.
local windows = ['5m', '1h', '30m', '6h', '2h', '1d', '3d'];
local burns = {
  page: [{ short: '5m', long: '1h', factor: 14.4 }, { short: '30m', long: '6h', factor: 6 }],
  ticket: [{ short: '2h', long: '1d', factor: 3 }, { short: '6h', long: '3d', factor: 1 }],
};

// Concatenated, not formatted: `%` is written in Jsonnet itself, and many times slower.
local total(func, series, window) = 'sum by (namespace, model) (' + func + '(' + series + '[' + window + ']))';

local alert(model, name, severity, hold, expr, summary, description, labels={}) = {
  alert: name,
  expr: expr,
  'for': hold,
  labels: { severity: severity, model: model.name, environment: model.environment } + labels,
  annotations: { summary: summary, description: description, owner: model.owner },
};

local budgetBurn(model, all, objective, budget, bad, severity) =
  local pace = if severity == 'page' then 'fast' else 'slowly but surely';
  alert(
    model,
    'ModelBudgetBurn',
    severity,
    if severity == 'page' then '2m' else '15m',
    std.join('or\n', [
      local threshold = '%.6g' % (burn.factor * budget);
      local recorded(window) = 'aimass:' + objective + ':bad_ratio_rate' + window + all;
      recorded(burn.short) + ' > ' + threshold + '\n'
      + 'and ' + recorded(burn.long) + ' > ' + threshold + '\n'
      + 'and (' + bad(burn.long) + ') >= 10\n'
      for burn in burns[severity]
    ]),
    model.name + ' misses its ' + objective + ' objective',
    'Too many requests to ' + model.name + ' in ' + model.environment + ' are bad by its ' + objective
    + ' objective: the budget of 30 days is being used up ' + pace + '.',
    { objective: objective },
  );

function(model)
  local name = model.name;
  local place = name + ' in ' + model.environment;
  local labels = 'model="' + name + '",namespace="' + model.namespace + '"';
  local all = '{' + labels + '}';
  local requests = 'aimass_requests_total' + all;
  local failed = 'aimass_requests_total{' + labels + ',code=~"5.."}';
  local answered = 'aimass_request_duration_seconds_count' + all;
  local fast = 'aimass_request_duration_seconds_bucket{' + labels + ',le="' + '%g' % model.latencySeconds + '"}';
  local failures(window) = total('increase', failed, window);
  local slow(window) = total('increase', answered, window) + ' - ' + total('increase', fast, window);
  local budget = (100 - std.parseJson(model.availabilityPercent)) / 100;
  local broken = total('increase', 'aimass_contract_violations_total' + all, '15m');
  local asked = 'sum by (namespace, model) (increase(' + requests + '[1h]';
  local feature = '{{ $labels.feature }}';
  local group(subject, rules) = { name: name + '.' + model.environment + '.' + subject, rules: rules };

  [
    group('records', [
      {
        record: 'aimass:availability:bad_ratio_rate' + window,
        expr: total('rate', failed, window) + '\n/ ' + total('rate', requests, window) + '\n',
      }
      for window in windows
    ] + [
      {
        local every = total('rate', answered, window),
        record: 'aimass:latency_p99:bad_ratio_rate' + window,
        expr: '(\n' + every + '\n- ' + total('rate', fast, window) + '\n)\n/ ' + every + '\n',
      }
      for window in windows
    ]),
    group('objectives', [
      budgetBurn(model, all, 'availability', budget, failures, severity)
      for severity in ['page', 'ticket']
    ] + [
      budgetBurn(model, all, 'latency_p99', 0.01, slow, severity)
      for severity in ['page', 'ticket']
    ]),
    group('drift', [
      local end = '%g' % limit.end;
      alert(
        model,
        'ModelDrift',
        limit.severity,
        '15m',
        'avg by (namespace, model, feature) (\n'
        + '  aimass_drift_psi' + all + '\n'
        + '  and on (namespace, pod) (aimass_drift_window_rows' + all + ' >= 500)\n'
        + ') > ' + end + '\n',
        feature + ' of ' + name + ' moved away from the training data',
        'The population stability index of ' + feature + ' in ' + model.environment + ' is above ' + end
        + ': look at where the data comes from, or train again.',
      )
      for limit in [{ severity: 'page', end: model.driftPage }, { severity: 'ticket', end: model.driftWarn }]
    ]),
    group('servers', [
      alert(
        model,
        'ModelAbsent',
        'page',
        '5m',
        'absent(aimass_model_info' + all + ')',
        'no server of ' + name + ' answers',
        'Prometheus has seen no server of ' + place + ' for five minutes.',
      ),
      alert(
        model,
        'ModelServerDown',
        'ticket',
        '15m',
        'sum by (namespace) (1 - up{job="' + name + '",namespace="' + model.namespace + '"}) > 0',
        'a server of ' + name + ' does not answer',
        'At least one server of ' + place + ' has not answered Prometheus for 15 minutes.',
      ),
      alert(
        model,
        'ModelSaturated',
        'ticket',
        '10m',
        total('avg_over_time', 'aimass_requests_in_flight' + all, '5m') + '\n/\n'
        + total('avg_over_time', 'aimass_concurrency_limit' + all, '5m') + '\n> 0.9\n',
        'the servers of ' + name + ' are nearly full',
        place + ' has been at more than 90% of its concurrency for ten minutes; beyond it requests are refused. '
        + 'Raise the most replicas, or the concurrency.',
      ),
    ]),
    group('callers', [
      alert(
        model,
        'ModelIdle',
        'ticket',
        '15m',
        asked + ' offset 1d)) >= 10\nunless ' + asked + ')) > 0\n',
        'no one asks ' + name + ' any more',
        place + ' has had no request for an hour, but had some a day ago at this time: '
        + 'look at the callers and at the way to the servers.',
      ),
      alert(
        model,
        'ModelContractViolated',
        'ticket',
        '15m',
        broken + '\n/ ' + total('increase', requests, '15m') + '\n> 0.1\nand ' + broken + ' >= 10\n',
        'requests to ' + name + ' break its contract',
        'More than 10% of the requests to ' + place + ' have been refused because of their fields; '
        + 'the dashboard shows which. Ask the callers what has changed.',
      ),
    ]),
  ]
