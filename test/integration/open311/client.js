// A client of GeoReport v2 that others wrote (npm open311), in the daemon's two formats:
//   {discovery, format, key, call, args} -> {ok} or {refused}
// Its XML parser cannot be had from a registry; xml-js reads the XML in its place, and the lists and
// values are what its documentation says they become.
'use strict';

const path = require('path');
const readline = require('readline');

const load = (name) => require(path.join(process.argv[2], 'node_modules', name));
const LISTS = ['services', 'service_requests', 'errors', 'endpoints', 'formats', 'attributes', 'values'];

function value(element) {
    const inner = element.elements || [];
    if (LISTS.includes(element.name))
        return inner.map(value);
    if (inner.some((e) => e.type === 'element'))
        return Object.fromEntries(inner.map((e) => [e.name, value(e)]));
    return inner.length ? inner.map((e) => e.text ?? e.cdata).join('') : null;
}

const xml = load('xml-js');
const parse = (text) => value(xml.xml2js(text).elements.find((e) => e.type === 'element'));
load('sparkxml').parseXml = parse;
load('xml2json').toJson = (text) => ({service_requests: {request: parse(text)[0]}});
const Open311 = load('open311');

readline.createInterface({input: process.stdin}).on('line', (line) => {
    const q = JSON.parse(line);
    const client = new Open311({discovery: q.discovery, apiKey: q.key});
    const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');
    client.serviceDiscovery({cache: true, type: 'test'}, (failed, found) => {
        if (failed || q.call === 'serviceDiscovery')
            return say(failed ? {refused: found} : {ok: found});
        client.format = q.format;
        client[q.call](...q.args, (e, said) => say(e ? {refused: `${e}: ${said}`} : {ok: said}));
    });
});
