// The other side's cryptography, for test_wechat.py: one JSON object a line in, one out.
//   {op: "encrypt", lib, token, key, id, timestamp, nonce, xml} -> {encrypt, msg_signature, signature}
//   {op: "decrypt", lib, key, token, id, encrypt, timestamp, nonce} -> {message, id, msg_signature}
// lib: "wecom" (@wecom/crypto), "wechat" (wechat-crypto), found below the folder of argument 1, or
// "node": Node's own AES, when packages cannot be had.
'use strict';

const crypto = require('crypto');
const path = require('path');
const readline = require('readline');

const folder = process.argv[2];
const load = (name) => require(path.join(folder, 'node_modules', name));
const sha1 = (parts) => crypto.createHash('sha1').update(parts.sort().join('')).digest('hex');

const node = {
    encrypt(key, xml, id) {
        const message = Buffer.from(xml), size = Buffer.alloc(4), aes = Buffer.from(key + '=', 'base64');
        size.writeUInt32BE(message.length);
        const bare = Buffer.concat([crypto.randomBytes(16), size, message, Buffer.from(id)]);
        const pad = 32 - bare.length % 32;
        const cipher = crypto.createCipheriv('aes-256-cbc', aes, aes.subarray(0, 16)).setAutoPadding(false);
        return Buffer.concat([cipher.update(Buffer.concat([bare, Buffer.alloc(pad, pad)])), cipher.final()]).toString('base64');
    },
    decrypt(key, text) {
        const aes = Buffer.from(key + '=', 'base64');
        const cipher = crypto.createDecipheriv('aes-256-cbc', aes, aes.subarray(0, 16)).setAutoPadding(false);
        const plain = Buffer.concat([cipher.update(Buffer.from(text, 'base64')), cipher.final()]);
        const size = plain.readUInt32BE(16), end = plain.length - plain[plain.length - 1];
        return {message: plain.subarray(20, 20 + size).toString(), id: plain.subarray(20 + size, end).toString()};
    },
    getSignature: (token, timestamp, nonce, encrypt) => sha1([token, timestamp, nonce, encrypt]),
};

function peer(q) {
    if (q.lib === 'wecom')
        return load('@wecom/crypto');
    if (q.lib !== 'wechat')
        return node;
    const Crypt = load('wechat-crypto');
    const c = new Crypt(q.token, q.key, q.id);
    return {
        encrypt: (key, xml) => c.encrypt(xml),
        decrypt: (key, text) => c.decrypt(text),
        getSignature: (token, timestamp, nonce, encrypt) => c.getSignature(timestamp, nonce, encrypt),
    };
}

function answer(q) {
    const p = peer(q);
    if (q.op === 'decrypt') {
        const {message, id} = p.decrypt(q.key, q.encrypt);
        return {message, id, msg_signature: p.getSignature(q.token, q.timestamp, q.nonce, q.encrypt)};
    }
    const encrypt = p.encrypt(q.key, q.xml, q.id);
    return {encrypt, msg_signature: p.getSignature(q.token, q.timestamp, q.nonce, encrypt),
            signature: sha1([q.token, q.timestamp, q.nonce])};
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
