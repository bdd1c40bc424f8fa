{-# LANGUAGE OverloadedStrings #-}

-- | The smallest honest stream client: send one line, say that it was all, print the answer.
-- Build: ghc -Wall -o stream_client StreamClient.hs (Debian: ghc, libghc-network-dev)
module Main (main) where

import Control.Exception (catch)
import Control.Monad (when)
import qualified Data.ByteString.Char8 as B
import GHC.IO.Exception (IOException (ioe_description))
import Network.Socket
import Network.Socket.ByteString (recv, sendAll)
import System.Exit (die, exitFailure)
import System.IO (hFlush, stderr, stdout)
import System.Posix.Env.ByteString (getArgs)

main :: IO ()
main = do
  arguments <- getArgs
  case arguments of
    [path, text] -> talk path text
    _ -> die "usage: stream_client PATH TEXT"

talk :: B.ByteString -> B.ByteString -> IO ()
talk path text = do
  sock <- step "connect" path $ do
    when (B.length path > 107) $ ioError (userError "File name too long")
    sock <- socket AF_UNIX Stream defaultProtocol
    -- Succeeds as soon as the server's queue has room, before the server has accepted.
    connect sock (address path)
    pure sock
  step "send to" path $ do
    sendAll sock (B.snoc text '\n')
    -- Half-close: the server reads end of stream, and this side can still receive.
    shutdown sock ShutdownSend
  step "copy the answer of" path $ copy sock

-- | A zero in front makes it an abstract name: known to the kernel, without a file.
address :: B.ByteString -> SockAddr
address path = SockAddrUnix $ case B.unpack path of
  '@' : name -> '\0' : name
  name -> name

copy :: Socket -> IO ()
copy sock = do
  chunk <- recv sock 65536
  if B.null chunk -- the end of the stream
    then hFlush stdout
    else B.putStr chunk >> copy sock

-- | Does one step; when it fails, says which step it was and gives up.
step :: B.ByteString -> B.ByteString -> IO a -> IO a
step doing path action =
  action `catch` \failure -> do
    let cause = B.pack (ioe_description failure)
    B.hPutStrLn stderr (B.concat ["stream_client: ", doing, " ", path, ": ", cause])
    exitFailure
