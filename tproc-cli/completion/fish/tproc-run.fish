# Completion of tproc-run for fish: options, the socket, then the program and its arguments.

# How many words come before the program: the command, its options, and the socket. Fails before the socket.
function __tproc_run_skip
    set -l words (commandline -opc)
    set -l skipped 1
    while test $skipped -lt (count $words)
        set skipped (math $skipped + 1)
        switch $words[$skipped]
            case --pass-fd
                set skipped (math $skipped + 1)
            case -
                echo $skipped
                return
            case '-*'
            case '*'
                echo $skipped
                return
        end
    end
    return 1
end

function __tproc_run_sockets
    for file in (__fish_complete_path (commandline -ct) | string split -f1 \t)
        set -l path (string replace -r '^~/' $HOME/ -- $file)
        if test -S $path; or test -d $path
            echo $file
        end
    end
end

complete -c tproc-run -f
complete -c tproc-run -n 'not __tproc_run_skip' -s t -l terminal -d 'give the program a terminal of its own'
complete -c tproc-run -n 'not __tproc_run_skip' -s T -l no-terminal -d 'give the program the descriptors as they are'
complete -c tproc-run -n 'not __tproc_run_skip' -l pass-fd -x -d 'give the program this descriptor, too'
complete -c tproc-run -n 'not __tproc_run_skip' -l pass-fds -d 'give the program all descriptors'
complete -c tproc-run -n 'not __tproc_run_skip' -l detach -d 'leave the program running'
complete -c tproc-run -n 'not __tproc_run_skip' -l never-forks -d 'forks of others do not copy its memory'
complete -c tproc-run -n 'not __tproc_run_skip' -l spill -d 'an ordinary process while another has its fixed addresses'
complete -c tproc-run -n 'not __tproc_run_skip' -l hold -d 'wait before the first instruction for a SIGCONT'
complete -c tproc-run -n 'not __tproc_run_skip' -l crash-report -d 'say where the program was when it crashes'
complete -c tproc-run -n 'not __tproc_run_skip' -l stay -d 'the program may not leave by executing another'
complete -c tproc-run -n 'not __tproc_run_skip' -s h -l help -d 'show help and exit'
complete -c tproc-run -n 'not __tproc_run_skip' -s V -l version -d 'show the version and exit'
complete -c tproc-run -n 'not __tproc_run_skip' -a '(__tproc_run_sockets)'
complete -c tproc-run -n __tproc_run_skip -a '(__fish_complete_subcommand --fcs-skip=(__tproc_run_skip))'
