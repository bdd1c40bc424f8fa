{-# LANGUAGE OverloadedStrings #-}

-- | The smallest honest datagram sender: one message, no connection.
-- Build: ghc -Wall -o dgram_sender DgramSender.hs (Debian: ghc, libghc-network-dev)
module Main (main) where

import Control.Exception (catch)
import Control.Monad (void, when)
import qualified Data.ByteString.Char8 as B
import GHC.IO.Exception (IOException (ioe_description))
import Network.Socket
import Network.Socket.ByteString (sendTo)
import System.Exit (die, exitFailure)
import System.IO (stderr)
import System.Posix.Env.ByteString (getArgs)

main :: IO ()
main = do
  arguments <- getArgs
  case arguments of
    [path, text] -> send path text `catch` explain path
    _ -> die "usage: dgram_sender PATH TEXT"

send :: B.ByteString -> B.ByteString -> IO ()
send path text = do
  when (B.length path > 107) $ ioError (userError "File name too long")
  sock <- socket AF_UNIX Datagram defaultProtocol
  -- All of the message or nothing: a datagram is never sent in part. It waits while the
  -- receiver's queue is full. This socket has no name, so nobody could answer it.
  void $ sendTo sock text (address path)

-- | A zero in front makes it an abstract name: known to the kernel, without a file.
address :: B.ByteString -> SockAddr
address path = SockAddrUnix $ case B.unpack path of
  '@' : name -> '\0' : name
  name -> name

explain :: B.ByteString -> IOException -> IO ()
explain path failure = do
  let cause = B.pack (ioe_description failure)
  B.hPutStrLn stderr (B.concat ["dgram_sender: send to ", path, ": ", cause])
  exitFailure
