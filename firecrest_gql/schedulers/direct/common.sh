# Whether the process PID, born BIRTH ticks after the boot BOOT, runs still: another may have its number (proc(5), stat).
IFS= read -r j_boot </proc/sys/kernel/random/boot_id
birth() {
  j_birth=
  { IFS= read -r j_line </proc/"$1"/stat; } 2>/dev/null || return
  set -- ${j_line##*) }
  test "$1" != Z && shift 19 && j_birth=$1
}
alive() { birth "$1" && test "$j_birth" = "$2" && test "$j_boot" = "$3"; }
# The processes of a job: its session, and what has left that but kept the variable that every job has.
members() {
  for j_stat in /proc/[0-9]*/stat; do
    { IFS= read -r j_line <"$j_stat"; } 2>/dev/null || continue
    set -- "$1" "$2" "${j_stat%/stat}" ${j_line##*) }
    test "$7" = "$1" && test "$4" != Z && echo "${3#/proc/}"
  done
  grep -lF "FIRECREST_JOB_FOLDER=$2/" /proc/[0-9]*/environ 2>/dev/null | sed "s,/proc/,,; s,/environ,,"
}
