// fhir-kit-client as published, against the gateway at argv[2] with the token argv[3].
import { Client } from "fhir-kit-client";

const [baseUrl, bearerToken] = process.argv.slice(2);
const client = new Client({ baseUrl, bearerToken });
const seen = {};

seen.capability = (await client.capabilityStatement()).fhirVersion;
seen.read = (await client.read({ resourceType: "Patient", id: "p03" })).name[0].family;
seen.unknown = await status(() => client.read({ resourceType: "Patient", id: "nobody" }));
seen.pages = [];
const searchParams = { _sort: "_id", _count: 10 };
let bundle = await client.search({ resourceType: "Patient", searchParams });
while (bundle) {
  seen.pages.push(...bundle.entry.map((entry) => entry.resource.id));
  bundle = await client.nextPage({ bundle });
}
const history = await client.history({ resourceType: "Patient", id: "p00" });
seen.history = history.entry.map((entry) => entry.resource.meta.versionId);
const headers = { "If-None-Match": 'W/"2"' };
const again = () => client.read({ resourceType: "Patient", id: "p00", options: { headers } });
seen.unchanged = await status(again);
const asked = { name: "everything", resourceType: "Patient", id: "p00", method: "GET" };
seen.everything = (await client.operation(asked)).entry.map((one) => one.resource.id).sort();
const stranger = new Client({ baseUrl });
seen["no token"] = await status(() => stranger.read({ resourceType: "Patient", id: "p03" }));
console.log(JSON.stringify(seen));

async function status(call) {
  try {
    const answer = await call();
    return Client.httpFor(answer).response.status;
  } catch (error) {
    return error.response?.status ?? String(error);
  }
}
