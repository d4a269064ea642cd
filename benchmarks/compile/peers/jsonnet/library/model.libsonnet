// The nine objects of one model in one environment.
local dashboard = import 'dashboard.libsonnet';
local rules = import 'rules.libsonnet';

local selector(model) = {
  'app.kubernetes.io/name': model.name,
  'app.kubernetes.io/instance': model.name,
};

local labels(model, component) = selector(model) {
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/part-of': model.name,
  'app.kubernetes.io/managed-by': 'aimass-compile',
  'aimass.dev/model': model.name,
  'aimass.dev/environment': model.environment,
};

local object(model, apiVersion, kind, component='server', name=model.name) = {
  apiVersion: apiVersion,
  kind: kind,
  metadata: { name: name, namespace: model.namespace, labels: labels(model, component) },
};

local probe(path, period, failures, timeout=2) = {
  httpGet: { path: path, port: 'http' },
  periodSeconds: period,
  timeoutSeconds: timeout,
  failureThreshold: failures,
};

local container(model) = {
  name: 'server',
  image: model.registry + '/' + model.name + ':' + model.tag,
  imagePullPolicy: 'Always',
  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
  env: [
    { name: 'AIMASS_CONCURRENCY', value: '' + model.concurrency },
    { name: 'AIMASS_TIMEOUT_SECONDS', value: '' + model.timeoutSeconds },
    { name: 'AIMASS_BODY_BYTES', value: '' + model.bodyBytes },
    { name: 'AIMASS_PREDICTION_SAMPLE', value: model.predictionSample },
    { name: 'AIMASS_DRIFT_WINDOW_SECONDS', value: '' + (model.driftHours * 3600) },
    { name: 'AIMASS_DRAIN_SECONDS', value: '' + (model.timeoutSeconds + 5) },
  ],
  resources: {
    requests: { cpu: model.resources.cpu, memory: model.resources.memory, 'ephemeral-storage': '64Mi' },
    limits: { memory: model.resources.memory, 'ephemeral-storage': '512Mi' },
  },
  startupProbe: probe('/v2/health/ready', 2, 60),
  readinessProbe: probe('/v2/health/ready', 5, 2),
  livenessProbe: probe('/v2/health/live', 10, 6, 5),
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
};

local pod(model) = {
  serviceAccountName: model.name,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  terminationGracePeriodSeconds: model.timeoutSeconds + 15,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 10001,
    runAsGroup: 10001,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: topology,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: selector(model) },
      matchLabelKeys: ['pod-template-hash'],
      nodeTaintsPolicy: 'Honor',
    }
    for topology in ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']
  ],
  containers: [container(model)],
  volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }],
};

function(model) [
  object(model, 'v1', 'ServiceAccount') { automountServiceAccountToken: false },
  object(model, 'v1', 'Service') {
    spec: {
      type: 'ClusterIP',
      selector: selector(model),
      ports: [{ name: 'http', port: 8080, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }],
    },
  },
  object(model, 'apps/v1', 'Deployment') {
    spec: {
      revisionHistoryLimit: 5,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      selector: { matchLabels: selector(model) },
      template: {
        metadata: {
          labels: labels(model, 'server'),
          annotations: { 'kubectl.kubernetes.io/default-container': 'server' },
        },
        spec: pod(model),
      },
    },
  },
  object(model, 'autoscaling/v2', 'HorizontalPodAutoscaler') {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: model.name },
      minReplicas: model.replicas.min,
      maxReplicas: model.replicas.max,
      metrics: [{
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: model.busyPercent } },
      }],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
        },
      },
    },
  },
  object(model, 'policy/v1', 'PodDisruptionBudget') {
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selector(model) },
    },
  },
  object(model, 'networking.k8s.io/v1', 'NetworkPolicy') {
    local namespace(name) = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
    spec: {
      podSelector: { matchLabels: selector(model) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{
        from: [{ podSelector: {} }, namespace('monitoring')],
        ports: [{ port: 'http', protocol: 'TCP' }],
      }],
      egress: [{
        to: [namespace('kube-system')],
        ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }],
      }],
    },
  },
  object(model, 'monitoring.coreos.com/v1', 'PodMonitor', component='monitoring') {
    metadata+: { labels+: { release: 'kube-prometheus-stack' } },
    spec: {
      selector: { matchLabels: selector(model) },
      jobLabel: 'app.kubernetes.io/name',
      podMetricsEndpoints: [{ port: 'http', path: '/metrics', interval: '30s', scrapeTimeout: '10s' }],
    },
  },
  object(model, 'monitoring.coreos.com/v1', 'PrometheusRule', component='monitoring') {
    metadata+: { labels+: { release: 'kube-prometheus-stack' } },
    spec: { groups: rules(model) },
  },
  object(model, 'v1', 'ConfigMap', component='monitoring', name=model.name + '-dashboard') {
    metadata+: { labels+: { grafana_dashboard: '1' } },
    data: {
      [model.name + '.json']: std.manifestJsonEx(dashboard(model), '  '),
    },
  },
]
