(() => {
  // Asks every two seconds whether there is more to show, and shows it at the same place.
  let known;
  const ask = async () => {
    try {
      const answer = await fetch("state", { cache: "no-store" });
      const state = await answer.text();
      if (known !== undefined && state !== known) location.reload();
      known = state;
    } catch { /* whoever serves it has ended: what is shown stays */ }
  };
  ask();
  setInterval(ask, 2000);
})();
