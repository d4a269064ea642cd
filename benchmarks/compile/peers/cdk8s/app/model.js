// The ten objects of one model in one environment.
const { ApiObject } = require("cdk8s");
const { dashboard } = require("./dashboard");
const { rules } = require("./rules");

function addObjects(chart, model) {
  const selector = {
    "app.kubernetes.io/name": model.name,
    "app.kubernetes.io/instance": model.name,
  };
  const labels = (component) => ({
    ...selector,
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/part-of": model.name,
    "app.kubernetes.io/managed-by": "aimass-compile",
    "aimass.dev/model": model.name,
    "aimass.dev/environment": model.environment,
  });
  const add = (apiVersion, kind, content, { component = "server", name = model.name, label = {} } = {}) =>
    new ApiObject(chart, `${kind}-${name}`, {
      apiVersion,
      kind,
      metadata: { name, namespace: model.namespace, labels: { ...labels(component), ...label } },
      ...content,
    });
  const operator = { release: "kube-prometheus-stack" };

  add("v1", "ServiceAccount", { automountServiceAccountToken: false });
  add("v1", "Service", {
    spec: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: 8080, targetPort: "http", protocol: "TCP", appProtocol: "http" }],
    },
  });
  add("apps/v1", "Deployment", {
    spec: {
      revisionHistoryLimit: 5,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
      selector: { matchLabels: selector },
      template: {
        metadata: {
          labels: labels("server"),
          annotations: { "kubectl.kubernetes.io/default-container": "server" },
        },
        spec: pod(model, selector),
      },
    },
  });
  add("autoscaling/v2", "HorizontalPodAutoscaler", {
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: model.name },
      minReplicas: model.replicas.min,
      maxReplicas: model.replicas.max,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: model.busyPercent } },
        },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
        },
      },
    },
  });
  add("policy/v1", "PodDisruptionBudget", {
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selector },
    },
  });
  add("networking.k8s.io/v1", "NetworkPolicy", { spec: networkPolicy(selector) });
  add(
    "monitoring.coreos.com/v1",
    "PodMonitor",
    {
      spec: {
        selector: { matchLabels: selector },
        jobLabel: "app.kubernetes.io/name",
        podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "30s", scrapeTimeout: "10s" }],
      },
    },
    { component: "monitoring", label: operator },
  );
  add(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    { spec: { groups: rules(model) } },
    { component: "monitoring", label: operator },
  );
  add(
    "v1",
    "ConfigMap",
    { data: { [`${model.name}.json`]: JSON.stringify(dashboard(model), null, 2) } },
    { component: "monitoring", name: `${model.name}-dashboard`, label: { grafana_dashboard: "1" } },
  );
}

function limits(model) {
  return {
    AIMASS_CONCURRENCY: `${model.concurrency}`,
    AIMASS_TIMEOUT_SECONDS: `${model.timeoutSeconds}`,
    AIMASS_BODY_BYTES: `${model.bodyBytes}`,
    AIMASS_PREDICTION_SAMPLE: model.predictionSample,
    AIMASS_DRIFT_WINDOW_SECONDS: `${model.driftHours * 3600}`,
    AIMASS_DRAIN_SECONDS: `${model.timeoutSeconds + 5}`,
  };
}

function pod(model, selector) {
  return {
    serviceAccountName: model.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: model.timeoutSeconds + 15,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: selector },
      matchLabelKeys: ["pod-template-hash"],
      nodeTaintsPolicy: "Honor",
    })),
    containers: [container(model)],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
  };
}

function container(model) {
  const { cpu, memory } = model.resources;
  const probe = (path, periodSeconds, failureThreshold, timeoutSeconds = 2) => ({
    httpGet: { path, port: "http" },
    periodSeconds,
    timeoutSeconds,
    failureThreshold,
  });
  return {
    name: "server",
    image: `${model.registry}/${model.name}:${model.tag}`,
    imagePullPolicy: "Always",
    ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
    env: Object.entries(limits(model)).map(([name, value]) => ({ name, value })),
    resources: {
      requests: { cpu, memory, "ephemeral-storage": "64Mi" },
      limits: { memory, "ephemeral-storage": "512Mi" },
    },
    startupProbe: probe("/v2/health/ready", 2, 60),
    readinessProbe: probe("/v2/health/ready", 5, 2),
    livenessProbe: probe("/v2/health/live", 10, 6, 5),
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
}

function networkPolicy(selector) {
  const namespace = (name) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      { from: [{ podSelector: {} }, namespace("monitoring")], ports: [{ port: "http", protocol: "TCP" }] },
    ],
    egress: [
      {
        to: [namespace("kube-system")],
        ports: [
          { port: 53, protocol: "UDP" },
          { port: 53, protocol: "TCP" },
        ],
      },
    ],
  };
}

module.exports = { addObjects };
