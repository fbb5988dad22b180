/* A service. Each start is a line of Z:\judge\started. Where Z:\judge\connect
   holds an address and a port, it is connected to there as long as it runs. */
#include <stdio.h>
#include <winsock2.h>
#include <windows.h>

static SERVICE_STATUS_HANDLE handle;
static HANDLE stopped;

static void tell(DWORD state)
{
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state};

    if (state == SERVICE_RUNNING)
        status.dwControlsAccepted = SERVICE_ACCEPT_STOP;
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *context)
{
    if (code == SERVICE_CONTROL_STOP)
        SetEvent(stopped);
    return NO_ERROR;
}

static void connect_there(void)
{
    FILE *file = fopen("Z:\\judge\\connect", "r");
    struct sockaddr_in there = {AF_INET};
    char address[16];
    unsigned port;
    WSADATA data;

    if (!file)
        return;
    if (fscanf(file, "%15s %u", address, &port) == 2 && !WSAStartup(MAKEWORD(2, 2), &data)) {
        there.sin_port = htons(port);
        there.sin_addr.s_addr = inet_addr(address);
        connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&there, sizeof there);
    }
    fclose(file);
}

static void WINAPI serve(DWORD count, WCHAR **arguments)
{
    FILE *file;

    stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    handle = RegisterServiceCtrlHandlerExW(arguments[0], control, NULL);
    connect_there();
    if ((file = fopen("Z:\\judge\\started", "a"))) {
        fprintf(file, "%ls\n", arguments[0]);
        fclose(file);
    }
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stopped, INFINITE);
    tell(SERVICE_STOPPED);
}

int wmain(void)
{
    SERVICE_TABLE_ENTRYW table[] = {{L"", serve}, {NULL, NULL}};

    return !StartServiceCtrlDispatcherW(table);
}
