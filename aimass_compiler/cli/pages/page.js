(() => {
  // Light or dark: as the system has it, until the button says otherwise.
  const root = document.documentElement, button = document.getElementById("look");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.look ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Show it light" : "Show it dark");
    dispatchEvent(new CustomEvent("look"));
  };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.look = isDark() ? "light" : "dark"; show(); });
  system.addEventListener("change", show);
  // On paper it is light, and nothing is folded.
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.look;
    root.dataset.look = "light";
    for (const each of document.querySelectorAll("details")) each.open = true;
    show();
  });
  addEventListener("afterprint", () => {
    if (before === undefined) delete root.dataset.look; else root.dataset.look = before;
    show();
  });
  show();
})();
