{{- /* One alert that the budget of an objective burns: the objective, how bad requests are counted, two burns. */ -}}
{{- define "budget-burn" -}}
- alert: ModelBudgetBurn
  expr: |
    {{- range $place, $burn := .burns }}
    {{- $threshold := printf "%.6g" (mulf $burn.factor $.budget) }}
    {{- if $place }}
    or
    {{- end }}
    aimass:{{ $.objective }}:bad_ratio_rate{{ $burn.short }}{{ $.all }} > {{ $threshold }}
    and aimass:{{ $.objective }}:bad_ratio_rate{{ $burn.long }}{{ $.all }} > {{ $threshold }}
    and ({{ $.bad | replace "FUNCTION" "increase" | replace "WINDOW" $burn.long }}) >= 10
    {{- end }}
  for: {{ .hold }}
  labels:
    severity: {{ .severity }}
    model: {{ .model }}
    environment: {{ .environment }}
    objective: {{ .objective }}
  annotations:
    owner: {{ .owner }}
    summary: {{ .model }} misses its {{ .objective }} objective
    description: >-
      Too many requests to {{ .model }} in {{ .environment }} are bad by its {{ .objective }} objective:
      the budget of 30 days is being used up {{ .pace }}.
{{- end }}

{{- define "alert-labels" -}}
severity: {{ .severity }}
model: {{ .model }}
environment: {{ .environment }}
{{- end }}
