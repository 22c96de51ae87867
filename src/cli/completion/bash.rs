//! Completion in bash, which takes `load:load1` for three words and hands names on without quotes.

use std::ffi::OsString;
use std::io::{Error, Write};

use clap::Command;
use clap_complete::env::{Bash as Words, EnvCompleter};

/// The script puts words together again that bash parted at colons, takes the part before the last colon off what is
/// offered, and quotes what needs quotes.
///
/// No name may become a command. Within quotes only names are offered that mean the same in all quotes; what is typed of a query
/// stays as it is, and its quotes stay open, for which a second word is offered. Nor is one with a
/// backquote or a backslash, which are taken off once more where the line is in backquotes, or one for which bash would begin
/// quotes of its own.
const SCRIPT: &str = r#"
_custos_complete() {
    local rest=$COMP_LINE at word last=-1 words=() found=()
    for (( at = 0; at <= COMP_CWORD; at++ )); do
        word=${COMP_WORDS[at]}
        if (( last >= 0 )) && [[ $rest != [[:space:]]* ]]; then
            words[last]+=$word
        else
            words[++last]=$word
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
    done
    compopt +o nospace 2>/dev/null
    mapfile -d $'\013' -t found < <(
        _CLAP_IFS=$'\013' _CLAP_COMPLETE_INDEX=$last _CLAP_COMPLETE_COMP_TYPE=$COMP_TYPE \
        _CLAP_COMPLETE_SPACE=false VARIABLE=bash COMPLETER -- "${words[@]}" 2>/dev/null
    )
    local typed=${words[last]} before= quote= line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    for (( at = 0; at < ${#line}; at++ )); do
        case $quote${line:at:1} in
            \\ | \"\\) (( ++at )) ;;
            [\"\']) quote=${line:at:1} ;;
            \"\" | \'\') quote= ;;
        esac
    done
    if [[ $quote ]]; then
        [[ $typed == "$quote"* ]] || return
        typed=${typed#"$quote"}
        [[ $quote == \' || $typed != *[\$\`\\]* ]] || typed=
        for word in "${found[@]}"; do
            [[ ${word#"$typed"} == *[^[:alnum:]\ _.,:/@%+=-]* ]] || COMPREPLY+=("$word")
        done
        [[ ${#COMPREPLY[@]} != 1 || $typed != *[\(\{\[]* ]] || COMPREPLY+=("${COMPREPLY[0]}…")
        return
    fi
    typed=${typed//\\}
    [[ $COMP_WORDBREAKS != *:* || $typed != *:* ]] || before=${typed%:*}:
    for word in "${found[@]}"; do
        [[ $word != *[=/:] ]] || compopt -o nospace 2>/dev/null
        [[ $word != *[\`\\]* ]] || continue
        printf -v word %q "${word#"$before"}"
        [[ $word == "$'"* ]] || COMPREPLY+=("$word")
    done
}
complete -o nosort -F _custos_complete BINARY
"#;

/// bash 4.4 or newer.
pub(super) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        var: &str,
        _name: &str,
        bin: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let script = SCRIPT
            .replace("VARIABLE", var)
            .replace("COMPLETER", &shell_words::quote(completer))
            .replace("BINARY", &shell_words::quote(bin));
        out.write_all(script.trim_start().as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        directory: Option<&std::path::Path>,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        Words.write_complete(command, words, directory, out)
    }
}
