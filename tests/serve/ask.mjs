// Asks through the official clients for Node and Vercel's `ai`, and prints what each said, as JSON.
//
//   node ask.mjs MODULES PROXY MODE      MODULES: a package.json beside the node_modules that has them
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, proxy, mode] = process.argv.slice(2);
const require = createRequire(modules);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: OpenAI, toFile } = await load("openai");
const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { generateText, streamText } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");

const headers = { "x-replaycache-mode": mode };
const openai = new OpenAI({ baseURL: `${proxy}/openai/v1`, apiKey: "a-key", defaultHeaders: headers });
const anthropic = new Anthropic({ baseURL: `${proxy}/anthropic`, apiKey: "a-key", defaultHeaders: headers });
const vercel = createOpenAI({ baseURL: `${proxy}/openai/v1`, apiKey: "a-key", headers }).chat("gpt-4o-mini");
const messages = [{ role: "user", content: "Say hello." }];

async function joined(pieces, text) {
  let found = "";
  for await (const piece of pieces) found += text(piece) ?? "";
  return found;
}

const questions = {
  "openai plain": async () =>
    (await openai.chat.completions.create({ model: "gpt-4o-mini", messages })).choices[0].message.content,
  "openai stream": async () =>
    joined(
      await openai.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true }),
      (chunk) => chunk.choices[0]?.delta?.content,
    ),
  "openai upload": async () =>
    (
      await openai.audio.transcriptions.create({
        model: "whisper-1",
        file: await toFile(Buffer.from("RIFF of a voice"), "voice.wav"),
      })
    ).text,
  "anthropic plain": async () =>
    (await anthropic.messages.create({ model: "a-model", max_tokens: 16, messages })).content[0].text,
  "anthropic stream": async () =>
    joined(
      await anthropic.messages.create({ model: "a-model", max_tokens: 16, messages, stream: true }),
      (event) => event.delta?.text,
    ),
  "ai plain": async () => (await generateText({ model: vercel, prompt: "Say hello." })).text,
  "ai stream": async () => joined(streamText({ model: vercel, prompt: "Say hello.", onError() {} }).textStream, (text) => text),
};

const told = {};
for (const [name, ask] of Object.entries(questions)) {
  try {
    told[name] = await ask();
  } catch (error) {
    told[name] = `${error.constructor.name}: ${error.message} ${error.responseBody ?? ""}`;
  }
}
console.log(JSON.stringify(told));
