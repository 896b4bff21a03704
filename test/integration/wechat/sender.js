// The other side's cryptography, for test_wechat.py: one JSON object a line in, one out.
//   {op: "encrypt", lib, token, key, id, timestamp, nonce, xml, pad?} -> {encrypt, msg_signature, signature}
//   {op: "decrypt", lib, key, token, id, encrypt, timestamp, nonce} -> {message, id, msg_signature}
// lib: as in peers.js, whose folder is argument 1.
'use strict';

const readline = require('readline');
const peers = require('./peers.js');
const libs = peers(process.argv[2]);

function answer(q) {
    const lib = libs[q.lib];
    if (q.op === 'decrypt') {
        const {message, id} = lib.decrypt(q, q.encrypt);
        return {message, id, msg_signature: lib.sign(q, q.timestamp, q.nonce, q.encrypt)};
    }
    const encrypt = lib.encrypt(q, q.xml, {pad: q.pad});
    return {encrypt, msg_signature: lib.sign(q, q.timestamp, q.nonce, encrypt),
            signature: peers.sha1([q.token, q.timestamp, q.nonce])};
}

readline.createInterface({input: process.stdin}).on('line', (line) => {
    let out;
    try {
        out = answer(JSON.parse(line));
    } catch (error) {
        out = {error: String(error)};
    }
    process.stdout.write(JSON.stringify(out) + '\n');
});
