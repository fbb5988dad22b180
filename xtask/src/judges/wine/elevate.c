/* Runs a command with an administrator's rights: its manifest asks for them,
   and what it starts inherits them. */
#include <windows.h>

int main(void)
{
    /* The command is what stands behind this program's own name, which has no blanks. */
    WCHAR *command = GetCommandLineW();
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code;

    while (*command && *command != ' ')
        command++;
    while (*command == ' ')
        command++;
    if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return 99;
    WaitForSingleObject(process.hProcess, INFINITE);
    return GetExitCodeProcess(process.hProcess, &code) ? (int)code : 98;
}
