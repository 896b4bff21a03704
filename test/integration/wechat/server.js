// WeChat's server, for test_wechat.py: pushes messages to one account in safe mode, encrypted and signed by @wecom/crypto and
// wechat-crypto in turn, as XML or JSON. As WeChat does: what is not answered within five seconds is cut off and sent again,
// three tries in all. On top of it what networks do: answers that get lost, the same message twice at once, repeats long
// after the answer, messages of one person in any order.
//
//   node server.js FOLDER < {port, account, token, key, id, timestamp, matters, at_once, seed}
//   -> {messages, tries, lost_answers, repeats, slowest_ms, over, unanswered, differing, numbers}
// numbers: {openid: the ticket's number in the reply to 提交}
'use strict';

const http = require('http');
const peers = require('./peers.js');

const TRIES = 3, PATIENCE_MS = 5000;
const all = peers(process.argv[2]);
const order = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const libs = [all.wecom, all.wechat];
if (!libs[0] || !libs[1])
    throw new Error('@wecom/crypto or wechat-crypto is not in ' + process.argv[2]);
const agent = new http.Agent({keepAlive: true, maxSockets: order.at_once});
const result = {messages: 0, tries: 0, lost_answers: 0, repeats: 0, slowest_ms: 0, over: 0, unanswered: [], differing: [],
                numbers: {}};

// mulberry32: the same seed, the same storm
let state = order.seed >>> 0;
function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const chance = (p) => random() < p;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let nonces = 0, ids = 0n;
const timestamp = String(order.timestamp);

function message(user, content, isJson) {
    const id = (7000000000000000000n + ++ids).toString();
    result.messages++;
    const text = isJson
        ? `{"ToUserName":"gh_1","FromUserName":"${user}","CreateTime":${timestamp},"MsgType":"text",` +
          `"Content":${JSON.stringify(content)},"MsgId":${id}}`
        : `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[${user}]]></FromUserName>` +
          `<CreateTime>${timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>` +
          `<Content><![CDATA[${content}]]></Content><MsgId>${id}</MsgId></xml>`;
    return {user, text, isJson, replies: new Set()};
}

function seal(m) {
    const lib = libs[Math.floor(random() * 2)], nonce = String(++nonces);
    const encrypt = lib.encrypt(order, m.text);
    const query = new URLSearchParams({signature: peers.sha1([order.token, timestamp, nonce]), timestamp, nonce,
                                       openid: m.user, encrypt_type: 'aes',
                                       msg_signature: lib.sign(order, timestamp, nonce, encrypt)});
    const body = m.isJson ? JSON.stringify({ToUserName: 'gh_1', Encrypt: encrypt})
        : `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt></xml>`;
    return {path: `/v1/wechat/${order.account}?${query}`, body};
}

const field = (text, name) => {
    const found = new RegExp(`<${name}>(?:<!\\[CDATA\\[([^]*?)\\]\\]>|([^<]*))</${name}>`).exec(text);
    return found && (found[1] !== undefined ? found[1] : found[2]);
};

// The text that the citizen sees, after the checks that WeChat makes.
function open(m, body) {
    const parts = m.isJson ? JSON.parse(body) : null;
    const get = (name) => parts ? String(parts[name]) : field(body, name);
    const lib = libs[Math.floor(random() * 2)], encrypt = get('Encrypt');
    if (lib.sign(order, get('TimeStamp'), get('Nonce'), encrypt) !== get('MsgSignature'))
        throw new Error('the signature of a reply is wrong');
    const {message: text, id} = lib.decrypt(order, encrypt);
    if (id !== order.id)
        throw new Error('a reply is for ' + id);
    const inner = m.isJson ? JSON.parse(text) : null;
    if ((inner ? inner.ToUserName : field(text, 'ToUserName')) !== m.user)
        throw new Error('a reply is for another person');
    return inner ? inner.Content : field(text, 'Content');
}

// {status, body}; null: cut off, by patience or because the answer is to get lost after `lose` ms.
function post(m, lose) {
    const {path, body} = seal(m), begun = Date.now();
    result.tries++;
    return new Promise((resolve) => {
        const request = http.request({port: order.port, host: '127.0.0.1', method: 'POST', path, agent,
                                      headers: {'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body)}});
        const timer = setTimeout(() => {
            if (lose === undefined)
                result.over++;
            request.destroy();
            resolve(null);
        }, lose === undefined ? PATIENCE_MS : lose);
        request.on('error', () => { clearTimeout(timer); resolve(null); });
        request.on('response', (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('error', () => { clearTimeout(timer); resolve(null); });
            response.on('end', () => {
                clearTimeout(timer);
                result.slowest_ms = Math.max(result.slowest_ms, Date.now() - begun);
                resolve({status: response.statusCode, body: Buffer.concat(parts).toString()});
            });
        });
        request.end(body);
    });
}

function take(m, answer) {
    if (!answer || answer.status !== 200)
        return false;
    m.replies.add(open(m, answer.body));
    return true;
}

// Until it is acknowledged, three times at most, of which the last is not made to get lost.
async function deliver(m) {
    let isTaken = false;
    for (let tries = 1; tries <= TRIES && !isTaken; tries++) {
        const isLost = tries < TRIES && chance(0.1);
        if (isLost) {
            result.lost_answers++;
            await post(m, Math.floor(random() * 40));
        } else if (chance(0.1)) {
            result.repeats++;
            const both = await Promise.all([post(m), post(m)]);
            isTaken = both.map((answer) => take(m, answer)).some((taken) => taken);
        } else {
            isTaken = take(m, await post(m));
        }
    }
    if (!isTaken)
        result.unanswered.push(m.text);
}

async function repeat(m) {
    if (!chance(0.3))
        return;
    await sleep(random() * 200);
    result.repeats++;
    take(m, await post(m));
}

async function matter(index) {
    const user = `oStorm_${index}`, isJson = chance(0.3);
    const parts = [1, 2].map((n) => message(user, `事项${index}的第${n}段`, isJson));
    if (chance(0.5))
        parts.reverse();
    if (chance(0.3)) { // on two connections, so that either may be first
        await Promise.all(parts.map(deliver));
    } else {
        for (const part of parts) {
            await deliver(part);
            if (chance(0.2))
                await sleep(random() * 50);
        }
    }
    const late = parts.map(repeat);
    const last = message(user, '提交', isJson);
    await deliver(last);
    await Promise.all([...late, repeat(last)]);
    for (const m of [...parts, last]) {
        if (m.replies.size > 1)
            result.differing.push([m.text, [...m.replies]]);
    }
    const number = /[0-9]{18}/.exec([...last.replies][0] || '');
    result.numbers[user] = number && number[0];
}

async function worker(queue) {
    while (queue.length)
        await matter(queue.pop());
}

const queue = Array.from({length: order.matters}, (_, i) => i);
Promise.all(Array.from({length: order.at_once}, () => worker(queue))).then(() => {
    agent.destroy();
    process.stdout.write(JSON.stringify(result) + '\n');
}, (error) => {
    process.stderr.write(error.stack + '\n');
    process.exit(1);
});
