import t from 'tap'
import { firstLink } from '../../../src/messages/previews/links.ts'
import { readPage } from '../../../src/messages/previews/page.ts'

const URL_OF_PAGE = 'https://site.example/a/page'

async function read(html: string | Buffer, charset?: string) {
  return await readPage(Buffer.from(html), charset, URL_OF_PAGE)
}

t.test('a page says what it is by the words of its head, those of og before the others', async t => {
  const html = `<!doctype html><html><head><title>Plain &amp; simple</title>
    <meta name="description" content="Description"><META PROPERTY='og:title' CONTENT="Of &quot;og&quot; &#x1F600;">
    <meta name=og:description content=short><meta property="og:site_name" content="The site">
    <meta property="og:image" content="../one.png"><meta property="og:image" content="/two.png"></head>
    <body><meta property="og:title" content="of the body"></body>`
  t.same(await read(html), {
    title: 'Of "og" 😀',
    description: 'short',
    siteName: 'The site',
    pictureUrl: 'https://site.example/one.png'
  })
  t.same(await read('<title>\n Just \n a   title </title>'), { title: 'Just a title' })
  t.same(await read('<meta name="twitter:title" content="T"><meta name="twitter:image" content="//x.example/y">'), {
    title: 'T',
    pictureUrl: 'https://x.example/y'
  })
  t.same(await read('<meta property="og:title" content=" "><title>Second</title><title>Third</title>'), {
    title: 'Second'
  })
  for (const nothing of [
    '',
    'text',
    '<html>',
    '<title></title>',
    '<!-- <title>x</title> -->',
    '<script><title>x</title></script>',
    '\0\0'
  ]) {
    t.same(await read(nothing), {}, nothing)
  }
})

t.test('what a page says is cut, and cleaned of what is not shown', async t => {
  const { title = '', description = '' } = await read(
    `<title>${'é'.repeat(500)}</title><meta name=description content="${'😀'.repeat(500)}">`
  )
  t.equal([...title].length, 200)
  t.equal([...description].length, 300)
  t.ok(title.endsWith('…') && description.endsWith('😀…') && description.isWellFormed())
  const hidden = '\u202egnp.exe\u202c \u200fa\u0000b\u0007\u2066c\u2069\ufeff\u00ad\u2028d &#8238;e &#0;'
  t.match((await read(`<title>${hidden}</title>`)).title, /^[ -~\ufffd]+$/)
  t.same(await read('<title>👩‍👩‍👧 می‌خواهم</title>'), { title: '👩‍👩‍👧 می‌خواهم' }, 'what joins stays')
  t.same(await read('<title><b>bold</b>&lt;script&gt;</title>'), { title: '<b>bold</b><script>' }, 'it is text')
})

t.test('a page is read in its encoding: as its mark, its server or it says, or as it can be', async t => {
  const cyrillic = Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2])
  const page = (charset: string) => Buffer.concat([Buffer.from(`${charset}<title>`), cyrillic, Buffer.from('</title>')])
  t.same(await read(page(''), 'windows-1251'), { title: 'Привет' })
  t.same(await read(page('<meta charset="windows-1251">')), { title: 'Привет' })
  t.same(await read(page('<meta http-equiv=content-type content="text/html; charset=windows-1251">')), {
    title: 'Привет'
  })
  t.same(await read(page(''), 'no-such-thing'), { title: 'Ïðèâåò' })
  t.same(await read('<meta charset=utf-16><title>ü</title>'), { title: 'ü' }, 'it cannot be what it says')
  t.same(await read('<title>ü</title>'), { title: 'ü' })
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<title>ü</title>', 'utf16le')])
  t.same(await read(utf16, 'utf-8'), { title: 'ü' })
  t.same(await read(Buffer.from('<title>日本</title>').subarray(0, -9)), {}, 'cut within a character')
  t.same(await read(Buffer.from('\x1b$B'), 'iso-2022-kr'), {})
})

t.test('no page takes long to read, whatever stands in it', async t => {
  const pages = {
    'a million tags': '<b>'.repeat(170_000),
    'tags and ends that do not fit': '<b>'.repeat(80_000) + '</i>'.repeat(60_000),
    'ends alone': '</p></br>'.repeat(55_000),
    forms: '<form>'.repeat(85_000),
    'svg in svg': '<svg><title>'.repeat(40_000),
    'one tag with much': `<meta ${'a=b '.repeat(125_000)}>`,
    'names without an end': '<'.repeat(500_000),
    'a title without an end': `<title>${'x'.repeat(500_000)}`,
    'a title of signs': `<title>${'&amp;'.repeat(100_000)}</title>`,
    comments: '<!--'.repeat(125_000),
    cdata: '<![CDATA['.repeat(55_000),
    'signs without an end': '&'.repeat(500_000),
    spaces: `<meta property="og:title" content="${' '.repeat(500_000)}">`,
    'marks on one letter': `<title>a${'\u0301'.repeat(250_000)}</title>`,
    charsets: `<meta charset=${'x'.repeat(500_000)}>`,
    'text/html in a charset': `<meta content="text/html;${' '.repeat(500_000)}">`,
    'many values': '<meta property=og:title content=x>'.repeat(15_000)
  }
  for (const [name, html] of Object.entries(pages)) {
    const at = performance.now()
    await read(html)
    t.ok(performance.now() - at < 1_000, `${name}: ${Math.round(performance.now() - at)} ms`)
  }
})

t.test('the first link of a text is one with its scheme, as long as it is meant', async t => {
  const links: [string, string | undefined][] = [
    ['see https://a.example/x(y).', 'https://a.example/x(y)'],
    ['(https://a.example/x) http://b.example', 'https://a.example/x'],
    ['„http://bücher.example/ü?q=1#f“', 'http://bücher.example/ü?q=1#f'],
    ['日本http://a.example/。', 'http://a.example/'],
    ['Http://a.example', 'http://a.example'],
    ['xhttp://a.example', undefined],
    ['a.example www.a.example ann@a.example //a.example ftp://a.example', undefined],
    ['http://ann:pw@a.example/ http://b.example', undefined],
    ['http://a.example:99999/', undefined],
    [`http://a.example/${'x'.repeat(2_100)}`, undefined],
    ['http:// https://', undefined]
  ]
  for (const [text, link] of links) t.equal(await firstLink(text), link, text.slice(0, 60))
  for (const text of [
    'http://'.repeat(2_300),
    'http://a'.repeat(2_000),
    `http://a.b/${'('.repeat(16_000)}`,
    'http://a:b@'.repeat(1_400)
  ]) {
    const at = performance.now()
    await firstLink(text)
    t.ok(performance.now() - at < 200, text.slice(0, 20))
  }
})
