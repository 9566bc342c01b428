// Archives of the files in one folder, made with what npm offers, into another: made/SOURCE/TOOL/VARIANT.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import zlib from 'node:zlib';
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import AdmZip from 'adm-zip';
import { TarArchive, ZipArchive } from 'archiver';
import { downloadZip } from 'client-zip';
import compressing from 'compressing';
import * as fflate from 'fflate';
import JSZip from 'jszip';
import * as pako from 'pako';
import PizZip from 'pizzip';
import { PNG } from 'pngjs';
import { create } from 'tar';
import tarStream from 'tar-stream';
import UPNG from 'upng-js';
import yazl from 'yazl';

const require = createRequire(import.meta.url);
const UZIP = require('uzip');
const imaya = require('zlibjs');
const deflateJs = require('deflate-js');

const [content, made] = process.argv.slice(2);
const NAMES = ['words', 'records', 'noise', 'runs', 'tiny', 'empty'];
const files = NAMES.map((name) => [name, readFileSync(`${content}/${name}`)]);
const words = files[0][1];
const filled = files.filter(([, bytes]) => bytes.length > 0);
const large = readFileSync(`${content}/large`);
const WHEN = new Date(Date.UTC(2020, 1, 2, 3, 4, 6));
const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

function save(tool, variant, bytes) {
  const version =
    tool === 'node:zlib' ? process.version : JSON.parse(readFileSync(`node_modules/${tool}/package.json`)).version;
  const folder = `${made}/npm/${tool.replace('/', ':')} ${version}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${variant}`, bytes);
}

/// One member for each file, one after another.
function members(compress, of = files) {
  return Buffer.concat(of.map(([, bytes]) => compress(bytes)));
}

/// Everything that a stream gives, in whatever pieces.
function collected(stream) {
  return buffer(stream.pipe(new PassThrough()));
}

function node() {
  const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = zlib.constants;
  for (const level of LEVELS) {
    save('node:zlib', `gzip -${level}`, members((bytes) => zlib.gzipSync(bytes, { level })));
    save('node:zlib', `zlib -${level}`, members((bytes) => zlib.deflateSync(bytes, { level })));
    const small = { level, memLevel: 1 + (level % 9), strategy: Z_DEFAULT_STRATEGY };
    save('node:zlib', `gzip -${level} memLevel ${small.memLevel}`, members((bytes) => zlib.gzipSync(bytes, small)));
  }
  for (const strategy of [Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
    save('node:zlib', `gzip strategy ${strategy}`, members((bytes) => zlib.gzipSync(bytes, { strategy })));
  }
  save('node:zlib', 'gzip large', zlib.gzipSync(large));
}

async function streamed() {
  const gzip = zlib.createGzip({ level: 6 });
  for (let at = 0; at < words.length; at += 4096) {
    gzip.write(words.subarray(at, at + 4096));
    if (at % 16384 === 0) gzip.flush();
  }
  gzip.end();
  save('node:zlib', 'gzip flushed', await collected(gzip));
}

function inMemory() {
  for (const level of LEVELS) {
    save('pako', `gzip -${level}`, members((bytes) => pako.gzip(bytes, { level })));
    save('pako', `zlib -${level}`, members((bytes) => pako.deflate(bytes, { level, memLevel: 1 + (level % 9) })));
    save('fflate', `gzip -${level}`, members((bytes) => fflate.gzipSync(bytes, { level, mem: level, mtime: WHEN })));
    save('fflate', `zlib -${level}`, members((bytes) => fflate.zlibSync(bytes, { level })));
    save('fflate', `zip -${level}`, fflate.zipSync(Object.fromEntries(files), { level, mtime: WHEN }));
    const old = new PizZip();
    files.forEach(([name, bytes]) => old.file(name, bytes, { date: WHEN }));
    const options = { type: 'nodebuffer', compression: 'DEFLATE', compressionOptions: { level } };
    save('pizzip', `zip -${level}`, old.generate(options));
    // A raw stream, which gets a gzip header here.
    const raw = members((bytes) => Buffer.concat([GZIP, Buffer.from(deflateJs.deflate([...bytes], level)), TAIL]), filled);
    save('deflate-js', `raw -${level}`, raw);
  }
  save('uzip', 'zip', Buffer.from(UZIP.encode(Object.fromEntries(files))));
  // It changes the buffer object that it is given.
  save('zlibjs', 'gzip', members((bytes) => imaya.gzipSync(Buffer.from(bytes)), filled));
  save('zlibjs', 'zlib', members((bytes) => imaya.deflateSync(Buffer.from(bytes)), filled));
  const adm = new AdmZip();
  files.forEach(([name, bytes]) => adm.addFile(name, bytes));
  save('adm-zip', 'zip', adm.toBuffer());
}

const GZIP = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
const TAIL = Buffer.alloc(8);

async function zips() {
  configure({ useWebWorkers: false });
  for (const level of LEVELS) {
    for (const streamFiles of [false, true]) {
      const zip = new JSZip();
      files.forEach(([name, bytes]) => zip.file(name, bytes, { date: WHEN }));
      const options = { type: 'nodebuffer', compression: 'DEFLATE', compressionOptions: { level }, streamFiles };
      save('jszip', `zip -${level}${streamFiles ? ' streamed' : ''}`, await zip.generateAsync(options));
    }
    const archive = new ZipArchive({ zlib: { level }, forceZip64: level % 2 === 0 });
    files.forEach(([name, bytes]) => archive.append(bytes, { name, date: WHEN }));
    const whole = collected(archive);
    await archive.finalize();
    save('archiver', `zip -${level}`, await whole);
    const writer = new ZipWriter(new Uint8ArrayWriter(), { level, zip64: level === 5, dataDescriptor: level > 3 });
    for (const [name, bytes] of files) await writer.add(name, new Uint8ArrayReader(bytes), { lastModDate: WHEN });
    save('@zip.js/zip.js', `zip -${level}`, await writer.close());
  }
  for (const [variant, options] of [['zip', {}], ['zip64', { forceZip64Format: true }], ['stored', { compress: false }]]) {
    const zip = new yazl.ZipFile();
    files.forEach(([name, bytes]) => zip.addBuffer(bytes, name, { mtime: WHEN, ...options }));
    zip.addReadStream(new PassThrough().end(words), 'streamed', { mtime: WHEN });
    zip.end(options);
    save('yazl', variant, await collected(zip.outputStream));
  }
  const parts = files.map(([name, bytes]) => ({ name, input: bytes, lastModified: WHEN }));
  save('client-zip', 'stored', Buffer.from(await downloadZip(parts).arrayBuffer()));
  const zip = new compressing.zip.Stream();
  filled.forEach(([name, bytes]) => zip.addEntry(bytes, { relativePath: name }));
  save('compressing', 'zip', await collected(zip));
  const tgz = new compressing.tgz.Stream();
  filled.forEach(([name, bytes]) => tgz.addEntry(bytes, { relativePath: name }));
  save('compressing', 'tgz', await collected(tgz));
}

async function tars() {
  for (const level of LEVELS) {
    const portable = { cwd: content, gzip: { level }, portable: true };
    save('tar', `tgz -${level}`, await collected(create(portable, NAMES)));
    const archive = new TarArchive({ gzip: true, gzipOptions: { level } });
    files.forEach(([name, bytes]) => archive.append(bytes, { name, date: WHEN }));
    const whole = collected(archive);
    await archive.finalize();
    save('archiver', `tgz -${level}`, await whole);
  }
  const pack = tarStream.pack();
  files.forEach(([name, bytes]) => pack.entry({ name, mtime: WHEN }, bytes));
  pack.entry({ name: 'inner.gz', mtime: WHEN }, zlib.gzipSync(words));
  pack.finalize();
  const plain = await collected(pack);
  save('tar-stream', 'tar of gz', plain);
  save('tar-stream', 'tgz of gz', zlib.gzipSync(plain, { level: 9 }));
}

function pictures() {
  const pixels = readFileSync(`${content}/picture.ppm`).subarray('P6 160 120 255\n'.length);
  const [width, height] = [160, 120];
  const data = Buffer.alloc(width * height * 4, 255);
  for (let at = 0; at < width * height; at++) pixels.copy(data, at * 4, at * 3, at * 3 + 3);
  for (const level of LEVELS) {
    const png = new PNG({ width, height });
    data.copy(png.data);
    const options = { deflateLevel: level, filterType: level % 5, deflateStrategy: level % 4 };
    save('pngjs', `png -${level}`, PNG.sync.write(png, options));
  }
  save('upng-js', 'png', Buffer.from(UPNG.encode([new Uint8Array(data).buffer], width, height, 0)));
}

node();
inMemory();
pictures();
await streamed();
await zips();
await tars();
