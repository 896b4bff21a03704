// WeChat's cryptography by others: peers(folder) gives {wecom, wechat, node}.
//   wecom: @wecom/crypto, wechat: wechat-crypto, both below `folder`, null where they are not;
//   node: Node's own AES, which can also make what no library makes: a wrong padding.
// Each: encrypt(account, xml, options) -> base64, decrypt(account, base64) -> {message, id},
// sign(account, timestamp, nonce, encrypt). account: {token, key, id}.
'use strict';

const crypto = require('crypto');
const path = require('path');

const sha1 = (parts) => crypto.createHash('sha1').update(parts.sort().join('')).digest('hex');

const node = {
    encrypt({key, id}, xml, {pad} = {}) {
        const message = Buffer.from(xml), size = Buffer.alloc(4), aes = Buffer.from(key + '=', 'base64');
        size.writeUInt32BE(message.length);
        const bare = Buffer.concat([crypto.randomBytes(16), size, message, Buffer.from(id)]);
        const length = 32 - bare.length % 32, padding = Buffer.alloc(length, length);
        if (pad !== undefined)
            padding[length - 1] = pad;
        const cipher = crypto.createCipheriv('aes-256-cbc', aes, aes.subarray(0, 16)).setAutoPadding(false);
        return Buffer.concat([cipher.update(Buffer.concat([bare, padding])), cipher.final()]).toString('base64');
    },
    decrypt({key}, text) {
        const aes = Buffer.from(key + '=', 'base64');
        const cipher = crypto.createDecipheriv('aes-256-cbc', aes, aes.subarray(0, 16)).setAutoPadding(false);
        const plain = Buffer.concat([cipher.update(Buffer.from(text, 'base64')), cipher.final()]);
        const size = plain.readUInt32BE(16), end = plain.length - plain[plain.length - 1];
        return {message: plain.subarray(20, 20 + size).toString(), id: plain.subarray(20 + size, end).toString()};
    },
    sign: ({token}, timestamp, nonce, encrypt) => sha1([token, timestamp, nonce, encrypt]),
};

function load(folder, name) {
    try {
        return require(path.join(folder, 'node_modules', name));
    } catch (error) {
        return null;
    }
}

module.exports = (folder) => {
    const own = load(folder, '@wecom/crypto'), Crypt = load(folder, 'wechat-crypto');
    const wecom = own && {
        encrypt: ({key, id}, xml) => own.encrypt(key, xml, id),
        decrypt: ({key}, text) => own.decrypt(key, text),
        sign: ({token}, timestamp, nonce, encrypt) => own.getSignature(token, timestamp, nonce, encrypt),
    };
    const wechat = Crypt && {
        encrypt: ({token, key, id}, xml) => new Crypt(token, key, id).encrypt(xml),
        decrypt: ({token, key, id}, text) => new Crypt(token, key, id).decrypt(text),
        sign: ({token, key, id}, timestamp, nonce, encrypt) => new Crypt(token, key, id).getSignature(timestamp, nonce, encrypt),
    };
    return {wecom, wechat, node};
};
module.exports.sha1 = sha1;
