(() => {
  // Draws every chart in the colours of the page, and again where these change.
  const charts = [...document.querySelectorAll(".chart")].map((place) => {
    const spec = JSON.parse(place.querySelector("script").textContent);
    const target = document.createElement("div");
    target.style.width = "100%";
    place.append(target);
    return { place, target, spec };
  });
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const config = () => {
    const ink = colour("ink"), quiet = colour("quiet"), rule = colour("rule"), link = colour("link");
    return {
      background: "transparent", font: "system-ui, sans-serif",
      axis: { labelColor: quiet, titleColor: ink, gridColor: rule, domainColor: rule, tickColor: rule, titleFontWeight: 500 },
      legend: { labelColor: ink, titleColor: ink, orient: "bottom" },
      title: { color: ink }, view: { stroke: rule }, text: { color: ink },
      rule: { color: quiet }, line: { color: link }, point: { color: link }, bar: { color: link }, area: { color: link },
      range: { category: [link, "#d9822b", "#1f9e89", "#c5458c", "#8d6bd1", "#7a8794", "#b59b00", "#d6604d"] },
    };
  };
  // Vega's expressions are interpreted, never compiled, so that the page needs no `unsafe-eval`.
  const draw = async () => {
    for (const { place, target, spec } of charts) {
      const options = { actions: false, renderer: "svg", ast: true, config: config() };
      await vegaEmbed(target, structuredClone(spec), options);
      place.dataset.drawn = "true";
    }
  };
  let queue = Promise.resolve();
  addEventListener("look", () => { queue = queue.then(draw); });
})();
