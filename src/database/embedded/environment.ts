/** Names that programs need to find their way: folders, language, libraries, and what Windows wants. */
const COMMON = new Set([
  ...['PATH', 'HOME', 'TMPDIR', 'TMP', 'TEMP', 'LANG', 'LANGUAGE', 'TZ', 'LD_LIBRARY_PATH', 'GLIBC_TUNABLES'],
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']
])
/** Names that programs need which fetch something: proxies, certificates, folders of settings. */
const NETWORK = new Set([
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE'],
  ...['CURL_CA_BUNDLE', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'VIRTUAL_ENV']
])
/** Settings of the installers, and of the Python that runs them. */
const INSTALLERS = /^((PIP|UV|PYENV)_|PYTHON)/

/** Environment of a program that is run: nothing that is Parley's own, such as its secrets. */
export function programEnvironment(): NodeJS.ProcessEnv {
  return pick(name => COMMON.has(name) || name.startsWith('LC_'))
}

/** The same for a program that fetches something. */
export function installerEnvironment(): NodeJS.ProcessEnv {
  return { ...programEnvironment(), ...pick(name => NETWORK.has(name) || INSTALLERS.test(name)) }
}

/** @param isPassed told the name in capitals: proxies are written either way, and on Windows any name */
function pick(isPassed: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isPassed(name.toUpperCase())))
}
