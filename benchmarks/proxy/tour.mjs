// What an agent in Node does with the official clients: `node tour.mjs URL SESSION`, the outcome of each step as JSON.

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [url, session] = process.argv.slice(2);
const defaultHeaders = session ? { "X-Harness-Session": session } : {};
const options = { apiKey: "sk-of-a-node-client", maxRetries: 0, defaultHeaders };
const openai = new OpenAI({ ...options, baseURL: `${url}/v1` });
const anthropic = new Anthropic({ ...options, baseURL: url });
const parameters = { type: "object", properties: { cents: { type: "integer" } } };
const tools = ["look", "note", "refund"].map((name) => ({ type: "function", function: { name, parameters } }));
const flat = ["look", "note", "refund"].map((name) => ({ type: "function", name, parameters, strict: false }));
const blocks = ["look", "note", "refund"].map((name) => ({ name, input_schema: parameters }));
const asked = (content) => [{ role: "user", content }];
const WANTED = 'want look={},note={"text":"much too long"},refund={"cents":48000}';

const called = (calls) => calls.map(({ name, input, ...call }) => [name, input ?? JSON.parse(call.arguments)]);
const ofChat = ({ content, tool_calls = [] }) => ({ text: content, calls: called(tool_calls.map((one) => one.function)) });
const ofResponse = ({ output_text, output }) => ({
  text: output_text,
  calls: called(output.filter((item) => item.type === "function_call")),
});
const ofMessage = ({ content }) => ({
  text: content.filter((block) => block.type === "text").map((block) => block.text).join(""),
  calls: called(content.filter((block) => block.type === "tool_use")),
});

async function twoTurns(step) {
  const messages = asked('want look={"cents":5}');
  const { message } = (await openai.chat.completions.create({ model: "m", messages, tools })).choices[0];
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "seen" });
  return ofChat((await openai.chat.completions.create({ model: "m", messages, tools })).choices[0].message);
}

async function pieces(stream) {
  const heard = [];
  for await (const piece of stream) heard.push(piece);
  return heard;
}

const model = "m", max_tokens = 100;
const STEPS = {
  chat: () => openai.chat.completions.create({ model, messages: asked("hello") }),
  chat_stream: async () => pieces(await openai.chat.completions.create({ model, messages: asked("hi"), stream: true })),
  chat_helper: () => openai.chat.completions.stream({ model, messages: asked("hey") }).finalContent(),
  chat_tools: async () =>
    ofChat((await openai.chat.completions.create({ model, messages: asked(WANTED), tools })).choices[0].message),
  chat_tools_stream: async () =>
    ofChat(await openai.chat.completions.stream({ model, messages: asked(WANTED), tools }).finalMessage()),
  chat_two_turns: twoTurns,
  responses: () => openai.responses.create({ model, input: "hello" }),
  responses_stream: async () => pieces(await openai.responses.create({ model, input: "hello", stream: true })),
  responses_tools: async () => ofResponse(await openai.responses.create({ model, input: WANTED, tools: flat })),
  responses_tools_stream: async () =>
    ofResponse(await openai.responses.stream({ model, input: WANTED, tools: flat }).finalResponse()),
  embeddings: async () => (await openai.embeddings.create({ model, input: "hello" })).data[0].embedding.length,
  models: async () => (await openai.models.list()).data,
  error_500: () => openai.chat.completions.create({ model, messages: asked("fail") }),
  error_429: () => openai.chat.completions.create({ model, messages: asked("busy") }),
  error_400: () => openai.chat.completions.create({ model, messages: [] }),
  timeout: () => openai.chat.completions.create({ model, messages: asked("hang") }, { timeout: 400 }),
  cut: async () => pieces(await openai.chat.completions.create({ model, messages: asked("cut"), stream: true })),
  retried: () => openai.chat.completions.create({ model, messages: asked("flaky") }, { maxRetries: 2 }),
  messages: () => anthropic.messages.create({ model, max_tokens, messages: asked("hello") }),
  messages_stream: () => anthropic.messages.stream({ model, max_tokens, messages: asked("hi") }).finalText(),
  messages_tools: async () =>
    ofMessage(await anthropic.messages.create({ model, max_tokens, messages: asked(WANTED), tools: blocks })),
  messages_tools_stream: async () =>
    ofMessage(await anthropic.messages.stream({ model, max_tokens, messages: asked(WANTED), tools: blocks }).finalMessage()),
  messages_error: () => anthropic.messages.create({ model, max_tokens, messages: asked("fail") }),
};

const outcomes = {};
for (const [name, step] of Object.entries(STEPS)) {
  try {
    const value = await step();
    outcomes[name] = { value: JSON.parse(JSON.stringify(value ?? null)) };
  } catch (error) {
    const after = error.headers?.get?.("retry-after") ?? null;
    outcomes[name] = { error: error.constructor.name, status: error.status ?? null, after };
  }
}
console.log(JSON.stringify(outcomes));
