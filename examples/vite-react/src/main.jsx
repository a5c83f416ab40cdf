import { Chat } from "chinwag/react";
import { StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

function App() {
  const chat = useRef();
  const [count, setCount] = useState(0);
  return (
    <main>
      <h1>Vite and React</h1>
      <p>{count} messages sent.</p>
      <button onClick={() => chat.current?.open()}>Help</button>
      <Chat ref={chat} site="site_demo" relay="http://127.0.0.1:8787" onMessageSent={() => setCount((sent) => sent + 1)} />
    </main>
  );
}

createRoot(document.getElementById("app")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
