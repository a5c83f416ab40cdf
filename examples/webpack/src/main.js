import { init } from "chinwag";

const chat = await init({ site: "site_demo", relay: "http://127.0.0.1:8787" });
document.getElementById("help").addEventListener("click", () => chat.open());
