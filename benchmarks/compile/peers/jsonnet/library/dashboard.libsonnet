// The Grafana dashboard of one model; its reader chooses the environment.
local source = { type: 'prometheus', uid: '${datasource}' };

local panel(title, unit, lines, description='', threshold=null, type='timeseries') = {
  type: type,
  title: title,
  description: description,
  datasource: source,
  fieldConfig: {
    overrides: [],
    defaults: {
      unit: unit,
      min: 0,
      thresholds: {
        mode: 'absolute',
        steps: [{ color: 'green', value: null }]
               + if threshold == null then [] else [{ color: 'red', value: threshold }],
      },
      [if type == 'timeseries' then 'custom']: {
        thresholdsStyle: { mode: if threshold == null then 'off' else 'line' },
      },
    },
  },
  targets: [
    {
      refId: std.char(65 + place),
      expr: lines[place][0],
      legendFormat: lines[place][1],
      interval: '30s',
      datasource: source,
    }
    for place in std.range(0, std.length(lines) - 1)
  ],
};

local panels(model) =
  local labels = 'model="' + model.name + '",namespace="$namespace"';
  local all = '{' + labels + '}';
  local rate(metric, selector=all) = 'rate(' + metric + selector + '[$__rate_interval])';
  local by(label, metric) = 'sum by (' + label + ') (' + rate(metric) + ')';
  local quantile(share, metric) = 'histogram_quantile(' + share + ', ' + by('le', metric + '_bucket') + ')';
  local budget = (100 - std.parseJson(model.availabilityPercent)) / 100;
  [
    panel('Requests', 'reqps', [[by('code', 'aimass_requests_total'), '{{code}}']]),
    panel(
      'Failed requests',
      'percentunit',
      [[
        'sum(' + rate('aimass_requests_total', '{' + labels + ',code=~"5.."}') + ') / sum('
        + rate('aimass_requests_total') + ')',
        'failed',
      ]],
      'The objective is ' + model.availabilityPercent + '% of requests without a failure.',
      std.round(budget * 1e9) / 1e9,
    ),
    panel(
      'Answer time',
      's',
      [
        [quantile(share, 'aimass_request_duration_seconds'), 'p' + std.substr(share + '0', 2, 2)]
        for share in ['0.5', '0.95', '0.99']
      ],
      threshold=model.latencySeconds,
    ),
    panel('Requests in flight', 'short', [
      ['sum(avg_over_time(aimass_requests_in_flight' + all + '[$__rate_interval]))', 'in flight'],
      ['sum(aimass_concurrency_limit' + all + ')', 'limit'],
    ]),
    panel('Refused requests', 'reqps', [[by('reason', 'aimass_rejected_total'), '{{reason}}']]),
    panel('Servers', 'short', [['count by (version) (aimass_model_info' + all + ')', '{{version}}']]),
    panel(
      'Drift',
      'short',
      [['avg by (feature) (aimass_drift_psi' + all + ')', '{{feature}}']],
      'Population stability index over ' + model.driftHours + 'h, against the training data.',
      model.driftPage,
    ),
    panel('Predicted rows', 'short', [['sum(' + rate('aimass_predicted_rows_total') + ')', 'rows a second']]),
    panel('Predictions', 'short', [[by('label', 'aimass_predicted_labels_total'), '{{label}}']]),
    panel('Requests that break the contract', 'short', [[by('field', 'aimass_contract_violations_total'), '{{field}}']]),
    panel('Rows in the drift window', 'short', [['sum(aimass_drift_window_rows' + all + ')', 'rows']]),
    panel(
      'Age of the model',
      's',
      [['time() - max(aimass_model_trained_timestamp_seconds' + all + ')', 'age']],
      type='stat',
    ),
  ];

function(model)
  local drawn = panels(model);
  local series = 'label_values(aimass_model_info{model="' + model.name + '"}, namespace)';
  {
    uid: 'aimass-' + std.substr(std.sha256(model.name), 0, 12),
    title: 'Model ' + model.name,
    tags: ['aimass', model.name],
    schemaVersion: 41,
    editable: false,
    graphTooltip: 1,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [
      { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', hide: 0 },
      {
        name: 'namespace',
        label: 'Namespace',
        type: 'query',
        datasource: source,
        query: series,
        definition: series,
        refresh: 2,
        sort: 1,
        hide: 0,
      },
    ] },
    annotations: { list: [] },
    panels: [
      drawn[place] { id: place + 1, gridPos: { x: place % 3 * 8, y: std.floor(place / 3) * 8, w: 8, h: 8 } }
      for place in std.range(0, std.length(drawn) - 1)
    ],
  }
