import { Help } from "./help";

export const metadata = { title: "Next" };

// In the layout, so that the chat stays while the pages change.
export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Help />
      </body>
    </html>
  );
}
