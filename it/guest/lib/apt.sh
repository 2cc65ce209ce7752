# shellcheck shell=bash disable=SC2154 # guest_dir, guest_arch and guest_debian come from common.sh
# The guest's packages by way of the machine's own apt: its mirrors, keys, proxies and passwords, but lists, cache and
# status of our own, so nothing needs root and nothing of the machine's apt changes.

# The machine's release, whose libraries the cross compiler links against: the guest has the same one.
host_codename() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }

host_is_ubuntu() { (. /etc/os-release && [[ " ${ID:-} ${ID_LIKE:-} " == *" ubuntu "* ]]); }

# host_sources [SUITES…]: deb822 stanzas for the guest's architecture; for SUITES instead of the machine's own release
# when given.
host_sources() {
  local files=()
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] && files+=("$file")
  done
  [ ${#files[@]} -gt 0 ] || return 0
  awk -v codename="$(host_codename)" -v suites="$*" -v architecture="$guest_debian" \
    -f "$guest_dir/lib/sources.awk" "${files[@]}"
}

# private_apt DIRECTORY [SUITES…]: makes DIRECTORY an apt world of its own and fetches its lists.
private_apt() {
  local directory=$1
  shift
  mkdir -p "$directory"/{lists/partial,cache/archives/partial,log,sources.list.d}
  : >"$directory/status"
  if [ -n "${TPROC_GUEST_SOURCES:-}" ]; then
    cp "$TPROC_GUEST_SOURCES" "$directory/sources.list.d/guest.${TPROC_GUEST_SOURCES##*.}"
  else
    host_sources "$@" >"$directory/sources.list.d/guest.sources"
  fi
  if ! grep -qs '^[^#]' "$directory"/sources.list.d/*; then
    die "$GUEST_UNAVAILABLE" "$guest_arch NOT TESTED: no apt source for '${*:-$(host_codename)}' found in /etc/apt." \
      "Name one for $guest_debian in a file FOO.sources or FOO.list and set TPROC_GUEST_SOURCES to its path."
  fi
  {
    # How the machine reaches its mirrors (proxies, certificates, clock checks), but not what else it does with apt.
    APT_CONFIG='' apt-config dump | grep -E '^(Acquire::|Dir::Etc::(trusted|netrc))' |
      grep -vE '^Acquire::(IndexTargets|Changelogs|Languages|CompressionTypes)'
    cat <<CONF
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Architecture "$guest_debian";
APT::Architectures { "$guest_debian"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Dir::State "$directory";
Dir::State::lists "$directory/lists";
Dir::State::status "$directory/status";
Dir::Cache "$directory/cache";
Dir::Log "$directory/log";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$directory/sources.list.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
  } >"$directory/apt.conf"
  export APT_CONFIG=$directory/apt.conf
  apt-get -qq update >"$directory/log/update" 2>&1 || true
  if [ -z "$(apt-cache pkgnames libc6)$(apt-cache pkgnames linux-image-)" ]; then
    tail -n 12 "$directory/log/update" >&2
    if host_is_ubuntu; then
      say "Ubuntu serves arm64 from another mirror (its 'ports'), which this machine's apt does not know."
    fi
    die "$GUEST_UNAVAILABLE" "$guest_arch NOT TESTED: the apt sources of this machine give no $guest_debian packages for" \
      "'${*:-$(host_codename)}'. Name a source that does in FOO.sources or FOO.list and set TPROC_GUEST_SOURCES."
  fi
}

# fetch_with_dependencies PACKAGE…: downloads the packages and all they need; prints their paths, one a line.
fetch_with_dependencies() {
  apt-get -qq -y --download-only install "$@" >&2 || return
  find "${APT_CONFIG%/*}/cache/archives" -maxdepth 1 -name '*.deb'
}

# fetch_alone DIRECTORY PACKAGE…: downloads just these packages into DIRECTORY.
fetch_alone() {
  local directory=$1
  shift
  (mkdir -p "$directory" && cd "$directory" && apt-get -qq download "$@" >&2)
}

# available ALTERNATIVE…: prints the first package that has a candidate.
available() {
  local package
  for package in "$@"; do
    # Of a name that others only mention, it shows nothing, and succeeds.
    [ -n "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] && printf '%s\n' "$package" && return
  done
  return 1
}
