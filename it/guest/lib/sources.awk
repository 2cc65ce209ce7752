# Prints the machine's apt sources that carry `codename`, as deb822 stanzas for `architecture`, from both formats apt
# reads (*.list, one line each; *.sources, stanzas). With `suites` set, these replace the suites of the stanzas that
# carry the release itself: an archive that serves one release serves its neighbours, too.
#
# The signing key and "trusted" of each source are kept; its architectures are not.

function wanted(list, n, i, part, found) {
  n = split(list, part, /[ \t\n]+/)
  found = ""
  for (i = 1; i <= n; i++) {
    if (suites != "") {
      if (part[i] == codename) return suites
    } else if (part[i] == codename || part[i] == codename "-updates" || part[i] == codename "-security") {
      found = found " " part[i]
    }
  }
  return found
}

function stanza(uris, list, components, signed, trusted, chosen) {
  chosen = wanted(list)
  if (chosen == "" || components !~ /(^|[ \t\n])main([ \t\n]|$)/ || uris ~ /^[ \t\n]*cdrom:/) return
  print "Types: deb\nArchitectures: " architecture "\nComponents: main\nURIs: " uris "\nSuites: " chosen
  if (signed != "") print "Signed-By:" signed
  if (trusted != "") print "Trusted: " trusted
  print ""
}

function finish() {
  if (field["types"] ~ /(^|[ \t])deb([ \t]|$)/ && field["enabled"] !~ /^[ \t]*(no|false|0)/)
    stanza(field["uris"], field["suites"], field["components"], field["signed-by"], field["trusted"])
  delete field
  name = ""
}

FNR == 1 { finish() }
/^[ \t]*#/ { next }

FILENAME ~ /\.list$/ {
  if ($1 != "deb") next
  options = signed = trusted = ""
  line = $0
  sub(/^deb[ \t]+/, "", line)
  sub(/#.*/, "", line)
  if (match(line, /^\[[^]]*\]/)) {
    options = substr(line, 2, RLENGTH - 2)
    line = substr(line, RLENGTH + 1)
  }
  count = split(options, option, /[ \t]+/)
  for (i = 1; i <= count; i++) {
    if (option[i] ~ /^signed-by=/) signed = " " substr(option[i], 11)
    if (option[i] ~ /^trusted=/) trusted = substr(option[i], 9)
  }
  count = split(line, word, /[ \t]+/)
  first = word[1] == "" ? 2 : 1
  components = ""
  for (i = first + 2; i <= count; i++) components = components " " word[i]
  stanza(word[first], word[first + 1], components, signed, trusted)
  next
}

/^[ \t]*$/ { finish(); next }
/^[ \t]/ { field[name] = field[name] "\n" $0; next }
{
  name = tolower(substr($0, 1, index($0, ":") - 1))
  field[name] = substr($0, index($0, ":") + 1)
}

END { finish() }
