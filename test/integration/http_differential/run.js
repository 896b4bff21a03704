// Compares our HTTP/1.1 parser with Node's on every file of the fuzz corpus:
//   node test/integration/http_differential/run.js BUILD/bin/http_differential_driver
// Both have to see the same requests (method, target, bytes of body) and the same end: between
// requests, inside one, or a rejection. Only one difference can be explained (in explained.txt): that
// we refuse what Node takes. An explanation that is not needed any more fails too.
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const {execFileSync} = require('child_process');

const CORPUS = path.join(__dirname, '../../fuzz/corpus/http1');
const EXPLAINED = path.join(__dirname, 'explained.txt');
const FILE_DEADLINE_MS = 20000;

function ourOutcomes(driver, names) {
    const files = names.map((name) => path.join(CORPUS, name));
    const text = execFileSync(driver, files, {encoding: 'utf8', maxBuffer: 1 << 26});
    return new Map(text.trimEnd().split('\n').map((line) => line.split('\t')));
}

// "name: reason" per line; # starts a comment.
function explanations() {
    const lines = fs.readFileSync(EXPLAINED, 'utf8').split('\n');
    const table = new Map();
    for (const line of lines) {
        if (line.trim() === '' || line.startsWith('#'))
            continue;
        const colon = line.indexOf(': ');
        if (colon < 1 || table.has(line.slice(0, colon)))
            throw new Error(`explained.txt: ${line}`);
        table.set(line.slice(0, colon), line.slice(colon + 2));
    }
    return table;
}

// What our parser calls the target: origin-form.
function originForm(url) {
    const match = /^https?:\/\/[^/?]*(.*)$/i.exec(url);
    return match ? match[1] || '/' : url;
}

class Peer {
    constructor() {
        this.seen = [];
        this.end = 'END';
        this.server = http.createServer({insecureHTTPParser: false, requireHostHeader: true});
        this.server.maxHeadersCount = 0;
        this.server.on('request', (req, res) => this.take(req, res));
        this.server.on('connect', (req, socket) => {
            this.seen.push(`${req.method} ${req.url} 0`);
            socket.destroy();
        });
        this.server.on('clientError', (error, socket) => {
            if (error.code === 'HPE_INVALID_EOF_STATE')
                this.end = 'OPEN';
            else if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE')
                this.end = `REJECT ${error.code}`;
            socket.destroy();
        });
    }

    take(req, res) {
        let bytes = 0;
        req.on('data', (piece) => (bytes += piece.length));
        req.on('end', () => {
            this.seen.push(`${req.method} ${originForm(req.url)} ${bytes}`);
            res.end('ok');
        });
    }

    // A rejection that Node answers by itself (no Host, Expect) shows only in what it sends.
    outcome(answer) {
        const refused = /HTTP\/1\.1 ([45]\d\d)/.exec(answer);
        if (refused && this.end === 'END')
            this.end = `REJECT ${refused[1]}`;
        return [...this.seen, this.end].join('; ');
    }

    async feed(bytes) {
        this.seen = [];
        this.end = 'END';
        const served = new Promise((done) => {
            this.server.once('connection', (socket) => socket.once('close', done));
        });
        const socket = net.connect({port: this.server.address().port, host: '127.0.0.1'});
        let answer = '';
        socket.setTimeout(FILE_DEADLINE_MS, () => socket.destroy());
        socket.on('data', (piece) => (answer += piece.toString('latin1')));
        socket.on('error', () => {}); // a reset is an answer too
        const closed = new Promise((done) => socket.once('close', done));
        socket.end(bytes);
        await Promise.all([served, closed]);
        return this.outcome(answer);
    }
}

// Statuses and reasons are each parser's own.
function bare(outcome) {
    return outcome.replace(/REJECT.*/, 'REJECT');
}

async function main() {
    const driver = process.argv[2];
    if (!driver)
        throw new Error('usage: run.js DRIVER');
    const names = fs.readdirSync(CORPUS).sort();
    const ours = ourOutcomes(driver, names);
    const explained = explanations();
    const peer = new Peer();
    await new Promise((done) => peer.server.listen(0, '127.0.0.1', done));
    let same = 0, differ = 0, failed = 0;
    for (const name of names) {
        const theirs = await peer.feed(fs.readFileSync(path.join(CORPUS, name)));
        const mine = ours.get(name);
        if (bare(mine) === bare(theirs)) {
            same++;
            continue;
        }
        differ++;
        const isExplained = explained.delete(name);
        if (!isExplained || !mine.includes('REJECT')) {
            failed++;
            console.log(`${name}: ${isExplained ? 'we are laxer' : 'unexplained'}\n` +
                        `  ours   ${mine.slice(0, 200)}\n  Node's ${theirs.slice(0, 200)}`);
        }
    }
    for (const name of explained.keys()) {
        failed++;
        console.log(`${name}: explained, but there is no difference`);
    }
    peer.server.close();
    console.log(`${names.length} files: ${same} alike, ${differ} differ, ` +
                `${failed} unexplained or stale (Node ${process.version})`);
    process.exitCode = failed === 0 && names.length > 0 ? 0 : 1;
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
