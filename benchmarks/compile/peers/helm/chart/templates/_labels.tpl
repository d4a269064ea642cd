{{- define "selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .name }}
{{- end }}

{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: {{ .name }}
app.kubernetes.io/managed-by: aimass-compile
aimass.dev/model: {{ .name }}
aimass.dev/environment: {{ .environment }}
{{- end }}

{{- define "metadata" -}}
name: {{ .object | default .name }}
namespace: {{ .namespace }}
labels: {{- include "labels" . | nindent 2 }}
{{- end }}
