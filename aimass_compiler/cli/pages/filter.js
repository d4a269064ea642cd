(() => {
  // Above each table that has facets: words to look for, and a choice of each facet's values. `/` goes there.
  for (const table of document.querySelectorAll("table[data-facets]")) {
    const rows = [...table.tBodies[0].rows], chosen = new Map();
    const bar = document.createElement("form"), words = document.createElement("input"), said = document.createElement("output");
    bar.className = "filters";
    bar.role = "search";
    const labelled = (text, control) => {
      const label = document.createElement("label");
      label.append(text, control);
      bar.append(label);
    };
    const show = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const fits = wanted.every((word) => text.includes(word))
          && [...chosen].every(([place, value]) => !value || row.cells[place].textContent.trim() === value);
        row.hidden = !fits;
        count += fits;
      }
      said.value = `${count} of ${rows.length}`;
    };
    words.type = "search";
    words.placeholder = "press / to search";
    words.addEventListener("input", show);
    labelled("Search", words);
    for (const place of table.dataset.facets.split(" ").filter(Boolean).map(Number)) {
      const values = [...new Set(rows.map((row) => row.cells[place].textContent.trim()))].sort();
      if (values.length < 2) continue;
      const choice = document.createElement("select");
      choice.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
      choice.addEventListener("change", () => { chosen.set(place, choice.value); show(); });
      labelled(table.tHead.rows[0].cells[place].textContent, choice);
    }
    bar.append(said);
    bar.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.closest("input, select, textarea")) { event.preventDefault(); words.focus(); }
      if (event.key === "Escape" && document.activeElement === words) { words.value = ""; show(); }
    });
    table.closest(".scrolled").before(bar);
    show();
  }
})();
