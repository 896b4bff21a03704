// What a receiver of webhooks does with what came, by the packages that receivers use:
//   {lib, secret, headers, body} -> {ok: the payload} or {refused: why}
// lib: "standardwebhooks" or "svix", below the folder of argument 1.
'use strict';

const path = require('path');
const readline = require('readline');

const load = (name) => require(path.join(process.argv[2], 'node_modules', name));

readline.createInterface({input: process.stdin}).on('line', (line) => {
    const q = JSON.parse(line);
    let answer;
    try {
        // throws if it is not genuine; not both give the payload back
        answer = {ok: new (load(q.lib).Webhook)(q.secret).verify(q.body, q.headers) || JSON.parse(q.body)};
    } catch (e) {
        answer = {refused: e.message};
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
});
