window.Chinwag = window.Chinwag || function () { (window.Chinwag.q = window.Chinwag.q || []).push(arguments); };
window.Chinwag("init", { site: "site_demo", mode: "frame" });
document.getElementById("help").addEventListener("click", () => window.Chinwag("open"));
