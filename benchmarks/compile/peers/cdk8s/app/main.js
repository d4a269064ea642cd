// One chart per model and environment, from the parameters of models.json.
const { readFileSync } = require("node:fs");
const { App, Chart, YamlOutputType } = require("cdk8s");
const { addObjects } = require("./model");

const models = JSON.parse(readFileSync("models.json", "utf8"));
const app = new App({ yamlOutputType: YamlOutputType.FILE_PER_CHART });
for (const { environments, ...common } of models) {
  for (const place of environments) {
    const model = { ...common, ...place };
    addObjects(new Chart(app, `${model.name}-${model.environment}`), model);
  }
}
app.synth();
