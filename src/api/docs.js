"use strict";

/* Draws /openapi.json as a page. Every text goes in as text, never as markup. */

let doc;

function el(name, attributes, ...children) {
	const node = document.createElement(name);

	for (const [key, value] of Object.entries(attributes || {}))
		if (value !== undefined && value !== false)
			node.setAttribute(key, value === true ? "" : value);
	node.append(...children.filter((child) => child !== undefined && child !== null));
	return node;
}

/* `words` in backquotes become code. */
function prose(text) {
	return String(text || "").split(/`([^`]*)`/).map((part, i) => i % 2 ? el("code", {}, part) : part);
}

function resolve(node) {
	let seen = node;

	while (seen && seen.$ref) {
		const { $ref, ...beside } = seen;
		const target = $ref.slice(2).split("/").reduce((at, key) => at[key], doc);

		seen = { ...target, ...beside };
	}
	return seen;
}

function refName(schema) {
	return schema && schema.$ref ? schema.$ref.split("/").pop() : "";
}

/* A schema that may be null, without the null. */
function notNull(schema) {
	if (schema.anyOf && schema.anyOf.some((one) => one.type === "null")) {
		const { anyOf, ...beside } = schema;

		return { ...anyOf.find((one) => one.type !== "null"), ...beside };
	}
	return schema;
}

function mayBeNull(schema) {
	return [].concat(schema.type || []).includes("null") ||
		Boolean(schema.anyOf && schema.anyOf.some((one) => one.type === "null"));
}

function limits(schema) {
	const words = [];

	if (schema.minimum !== undefined || schema.maximum !== undefined)
		words.push(`${schema.minimum ?? "…"} to ${schema.maximum ?? "…"}`);
	if (schema.maxLength !== undefined)
		words.push(`at most ${schema.maxLength} characters`);
	if (schema.maxItems !== undefined)
		words.push(`at most ${schema.maxItems} entries`);
	if (schema.default !== undefined)
		words.push(`default ${JSON.stringify(schema.default)}`);
	return words;
}

function typeText(given) {
	const nullable = mayBeNull(given);
	const plain = notNull(given);
	const schema = resolve(plain);
	const types = [].concat(schema.type || (schema.const !== undefined ? JSON.stringify(schema.const) : "any"))
		.filter((type) => type !== "null");
	let text = types.join(" or ");

	if (schema.enum)
		text = schema.enum.filter((one) => one !== null).join(" | ");
	else if (types[0] === "array")
		text = `array of ${typeText(schema.items)}`;
	else if (types[0] === "object" && refName(plain))
		text = refName(plain);
	else if (schema.format)
		text = schema.format;
	return [text, ...limits(schema), nullable ? "or null" : ""].filter(Boolean).join(", ");
}

/* The object inside a member: its own, or that of an array's entries. */
function innerObject(given) {
	let schema = resolve(notNull(given));

	if (schema.items)
		schema = resolve(notNull(schema.items));
	return schema.properties ? schema : null;
}

function memberTable(schema, depth) {
	const rows = Object.entries(schema.properties).map(([name, given]) => {
		const member = resolve(notNull(given));
		const inner = innerObject(given);
		const must = (schema.required || []).includes(name);

		return el("tr", {},
			el("td", {}, el("code", {}, name), must ? el("span", { class: "must" }, " required") : null,
				el("span", { class: "type" }, typeText(given))),
			el("td", {}, ...prose(given.description || member.description),
				inner && depth < 3 ? el("details", { class: "inner" }, el("summary", {}, "its members"),
					memberTable(inner, depth + 1)) : null));
	});

	return el("table", {}, ...rows);
}

/* ---- one route ---- */

function exampleOf(media) {
	const first = media && media.examples && Object.values(media.examples)[0];

	return first ? resolve(first).value : undefined;
}

function asText(value) {
	return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function parametersOf(item, operation) {
	return [...(item.parameters || []), ...(operation.parameters || [])].map(resolve);
}

function isPrivate(operation) {
	return !operation.security.some((choice) => Object.keys(choice).length === 0);
}

function quoted(text) {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

function exampleAnswer(operation) {
	const status = Object.keys(operation.responses).find((key) => key.startsWith("2"));
	const content = resolve(operation.responses[status]).content || {};

	return exampleOf(Object.values(content)[0]);
}

function pathValue(parameter, operation) {
	const answer = exampleAnswer(operation);

	if (parameter.example)
		return parameter.example;
	return answer && (answer.code || answer.slug || answer.id) || "ID";
}

function curlUrl(path, operation, parameters) {
	const query = parameters.filter((p) => p.in === "query" && p.example !== undefined)
		.map((p) => `${p.name}=${encodeURIComponent(p.example).replaceAll("%20", "+")}`);
	let url = location.origin + path;

	for (const parameter of parameters.filter((p) => p.in === "path"))
		url = url.replace(`{${parameter.name}}`, encodeURIComponent(pathValue(parameter, operation)));
	return query.length ? `${url}?${query.join("&")}` : url;
}

function curlLine(method, path, item, operation) {
	const parameters = parametersOf(item, operation);
	const words = ["curl"];
	const content = operation.requestBody && operation.requestBody.content;

	if (method !== "get")
		words.push(`-X ${method.toUpperCase()}`);
	if (isPrivate(operation))
		words.push(path.startsWith("/sms/") ? "-u gw:$TOKEN" : '-H "Authorization: Bearer $TOKEN"');
	if (parameters.some((p) => p.name === "If-Match"))
		words.push("-H 'If-Match: \"3\"'");
	if (parameters.some((p) => p.name === "Idempotency-Key"))
		words.push('-H "Idempotency-Key: $(uuidgen)"');
	if (content) {
		const type = Object.keys(content)[0];
		const example = exampleOf(content[type]);

		words.push(`-H 'Content-Type: ${type}'`);
		words.push(`-d ${quoted(typeof example === "string" ? example : JSON.stringify(example))}`);
	}
	words.push(quoted(curlUrl(path, operation, parameters)));
	return words.join(" \\\n  ");
}

function drawCurl(line) {
	const button = el("button", { type: "button" }, "Copy");

	button.addEventListener("click", () => {
		navigator.clipboard?.writeText(line).then(() => {
			button.textContent = "Copied";
			setTimeout(() => { button.textContent = "Copy"; }, 1500);
		});
	});
	return el("div", { class: "curl" }, el("pre", {}, line), button);
}

function drawParameters(parameters) {
	const rows = parameters.map((p) => el("tr", {},
		el("td", {}, el("code", {}, p.name), p.required ? el("span", { class: "must" }, " required") : null,
			el("span", { class: "type" }, `${p.in}: ${typeText(p.schema)}`)),
		el("td", {}, ...prose(p.description))));

	return [el("h3", {}, "Parameters"), el("table", {}, ...rows)];
}

function drawMedia(type, media) {
	const example = exampleOf(media);
	const schema = resolve(media.schema);
	const parts = [el("h3", {}, type)];

	if (schema.description)
		parts.push(el("p", {}, ...prose(schema.description)));
	if (schema.properties)
		parts.push(memberTable(schema, 0));
	if (example !== undefined)
		parts.push(el("pre", {}, asText(example)));
	return parts;
}

function drawBody(body) {
	const parts = [el("h3", {}, body.required ? "Body, required" : "Body")];

	for (const [type, media] of Object.entries(body.content))
		parts.push(...drawMedia(type, media));
	return parts;
}

function drawResponse(status, given) {
	const response = resolve(given);
	const good = status.startsWith("2");
	const parts = [el("span", { class: "status" }, status), " ", ...prose(response.description)];
	const fields = Object.keys(response.headers || {});

	if (fields.length)
		parts.push(el("span", { class: "type" }, `with ${fields.join(", ")}`));
	for (const [type, media] of Object.entries(good && response.content || {}))
		parts.push(el("details", { class: "inner", open: true }, el("summary", {}, type),
			...drawMedia(refName(media.schema) || "content", media)));
	return el("tr", {}, el("td", { class: "answer" }, ...parts));
}

function drawRoute(path, method, item) {
	const operation = item[method];
	const parameters = parametersOf(item, operation);
	const verb = method.toUpperCase();
	const inside = el("div", { class: "inside" });
	const route = el("details", { class: "route", id: operation.operationId },
		el("summary", {}, el("span", { class: `method ${verb}` }, verb), el("span", { class: "path" }, path),
			isPrivate(operation) ? el("span", { class: "lock" }, "token") : null,
			el("span", { class: "what" }, operation.summary)), inside);

	route.dataset.words = `${verb} ${path} ${operation.summary} ${operation.description || ""}`.toLowerCase();
	/* The inside is drawn when it is first looked at: there are many. */
	route.addEventListener("toggle", () => {
		if (!route.open || inside.childNodes.length)
			return;
		if (operation.description)
			inside.append(el("p", {}, ...prose(operation.description)));
		inside.append(el("h3", {}, "Try it"), drawCurl(curlLine(method, path, item, operation)));
		if (parameters.length)
			inside.append(...drawParameters(parameters));
		if (operation.requestBody)
			inside.append(...drawBody(operation.requestBody));
		inside.append(el("h3", {}, "Answers"), el("table", {},
			...Object.entries(operation.responses).map(([status, given]) => drawResponse(status, given))));
	});
	return route;
}

/* ---- the page ---- */

function routesOf(tag) {
	const routes = [];

	for (const [path, item] of Object.entries(doc.paths))
		for (const method of ["get", "post", "put", "patch", "delete"])
			if (item[method] && item[method].tags.includes(tag))
				routes.push(drawRoute(path, method, item));
	return routes;
}

function draw() {
	const main = document.getElementById("routes");
	const contents = document.getElementById("contents");

	document.getElementById("about").replaceChildren(...prose(doc.info.description));
	document.getElementById("version").textContent = doc.openapi;
	main.replaceChildren();
	for (const tag of doc.tags) {
		main.append(el("section", { id: `tag-${tag.name}` }, el("h2", {}, tag.name),
			el("p", {}, tag.description), ...routesOf(tag.name)));
		contents.append(el("li", {}, el("a", { href: `#tag-${tag.name}` }, tag.name)));
	}
}

function filter(text) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);

	for (const section of document.querySelectorAll("main section")) {
		let shown = 0;

		for (const route of section.querySelectorAll("details.route")) {
			route.hidden = !words.every((word) => route.dataset.words.includes(word));
			shown += route.hidden ? 0 : 1;
		}
		section.hidden = shown === 0;
	}
}

function openNamed() {
	const route = document.getElementById(decodeURIComponent(location.hash.slice(1)));

	if (route && route.matches("details.route")) {
		route.open = true;
		route.scrollIntoView();
	}
}

async function start() {
	const answer = await fetch("/openapi.json");

	if (!answer.ok)
		throw new Error(`status ${answer.status}`);
	doc = await answer.json();
	draw();
	openNamed();
	window.addEventListener("hashchange", openNamed);
	document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
}

start().catch((error) => {
	document.getElementById("routes").replaceChildren(el("p", { class: "wrong" },
		`The contract could not be read (${error.message}). Reload the page, or open /openapi.json.`));
});
