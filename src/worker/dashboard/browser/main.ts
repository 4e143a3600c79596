/** The page's script: everything that the page does beyond what it shows when it arrives. */

import { createClient } from "../../../sdk/client.ts";
import { OverviewFollower } from "./follow-overview.ts";
import { OperationPage } from "./operation.ts";
import { OperatorPage } from "./operator.ts";
import { startTheme } from "./theme.ts";
import { startViews } from "./views.ts";

const client = createClient({
  url: location.origin,
  // A question that fails is asked again in a second anyway.
  retry: { attemptsMax: 1 },
  transport: { fetch: fetchWhole },
});
const operation = new OperationPage(client);
const operator = new OperatorPage();

startTheme();
operation.start();
operator.start();
startViews((view, [sender, nonce]) => {
  operation.leave();
  if (view !== "op" || sender === undefined || nonce === undefined) return;
  operation.open(sender, nonce);
});
new OverviewFollower(client, (overview) => operator.show(overview)).start();

/** Read in parts, as the client reads it, a body of known length counts in some browsers as one given up. */
async function fetchWhole(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const { status, headers } = response;
  return new Response(await response.arrayBuffer(), { status, headers });
}
